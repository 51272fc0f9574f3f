"""Press the mock for a while and watch its memory: after it is warm it must not grow.

    python mock_server/benchmarks/soak.py [--seconds 120]

wrk closes one session again and again, at full load, through 64 connections.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
SESSION = "chat_1234"


def resident_megabytes(process: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as seed:
        seed.write(json.dumps({"sessions": [{"externalId": SESSION}]}))
        seed.flush()
        server = subprocess.Popen(
            [sys.executable, "-m", "adjourn", "mock", "--port", "0", "--json", "--seed", seed.name],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        try:
            url = json.loads(server.stdout.readline())["url"]
            target = f"{url}/api/v1/sessions/{SESSION}/close"
            wrk = ["wrk", "-t1", "-c64", f"-d{options.seconds}s", "--latency", "-s", str(HERE / "press.lua"), target]
            pressing = subprocess.Popen(wrk, stdout=subprocess.PIPE, text=True)
            began = time.monotonic()
            while pressing.poll() is None:
                time.sleep(min(10, options.seconds / 6))
                if server.poll() is not None:
                    raise SystemExit("the server ended")
                print(f"{time.monotonic() - began:5.0f} s  {resident_megabytes(server.pid):6.1f} MB", flush=True)
            assert pressing.stdout is not None
            said = pressing.stdout.read()
            wanted = ("requests in", "Requests/sec", "99%", "errors", "Non-2xx")
            print("\n".join(line.strip() for line in said.splitlines() if any(word in line for word in wanted)))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
