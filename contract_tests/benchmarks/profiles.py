"""How long a check of the local mock takes in each profile, and how many requests a second it sends.

python contract_tests/benchmarks/profiles.py [--profiles smoke standard thorough]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys

ADJOURN = [sys.executable, "-m", "adjourn"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", nargs="+", default=["smoke", "standard"])
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{'profile':10} {'seconds':>8} {'requests':>9} {'a second':>9} {'broken':>7}")
    server = subprocess.Popen([*ADJOURN, "mock", "--port", "0", "--json"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        ready = json.loads(server.stdout.readline())
        one, other, *_ = (environment["secretKey"] for environment in ready["environments"])
        for profile in options.profiles:
            command = [*ADJOURN, "check", ready["url"], "--secret-key", one, "--other-secret-key", other]
            command += ["--profile", profile, "--json"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            found = json.loads(done.stdout)
            broken = sum(each["state"] == "failed" for each in found["clauses"])
            seconds, requests = found["seconds"], found["requests"]
            print(f"{profile:10} {seconds:8.1f} {requests:9} {requests / seconds:9.0f} {broken:7}", flush=True)
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


if __name__ == "__main__":
    main()
