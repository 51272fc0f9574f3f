"""`adjourn mock` shows a line for each exchange."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import httpx

MOCK = [sys.executable, "-m", "adjourn", "mock", "--port", "0"]


def lines_of(*options: str, act: Callable[[str], None]) -> list[str]:
    """What `adjourn mock` says after it has said where it listens, while `act` calls it."""
    with subprocess.Popen([*MOCK, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        act(
            first.split(" listens on ")[1].split()[0]
            if "listens on" in first
            else first.split('"url": "')[1].split('"')[0]
        )
        rest = []
        if not options:
            for line in process.stdout:
                rest.append(line.rstrip())
                if "the-last" in line:
                    break
        process.send_signal(signal.SIGINT)
        rest += process.communicate(timeout=10)[0].splitlines()
    return rest


def act(url: str) -> None:
    for path in ("chat_1", "with%20space", "%1b%5b31m", "tr_dev_adjourn", "the-last"):
        httpx.post(f"{url}/api/v1/sessions/{path}/close", headers={"Authorization": "Bearer tr_dev_adjourn"})
    httpx.get(f"{url}/api/v1/sessions", headers={"Authorization": "Bearer tr_dev_nobody"})


def test_each_exchange_is_a_line_without_colours_or_keys() -> None:
    found = [line for line in lines_of(act=act) if "/api/v1/" in line]
    assert [line.split()[1:4] for line in found[:5]] == [["dev", "404", "POST"]] * 5
    assert "refused: id.unknown" in found[0]
    assert "\x1b" not in "".join(found)
    assert all("adjourn" not in line for line in found)


def test_quiet_and_json_show_none() -> None:
    for option in ("--quiet", "--json"):
        assert [line for line in lines_of(option, act=act) if "/api/v1/" in line] == []
