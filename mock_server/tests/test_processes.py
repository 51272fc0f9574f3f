"""State that several processes share, and that outlives them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from engines import free_port, mock_process, redis_server
from sessions_api import CHAT

HEADERS = {"Authorization": "Bearer tr_dev_adjourn"}


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of two processes over one Redis server."""
    with (
        redis_server(free_port()) as store,
        mock_process("--store", store) as (_, one),
        mock_process("--store", store) as (_, other),
        httpx.Client(base_url=one, headers=HEADERS) as first,
        httpx.Client(base_url=other, headers=HEADERS) as second,
    ):
        yield first, second


def test_what_one_process_does_the_other_sees(two: tuple[httpx.Client, httpx.Client]) -> None:
    one, other = two
    made = one.post("/api/v1/sessions", json={**CHAT, "externalId": "chat_1"}).json()
    closed = other.post("/api/v1/sessions/chat_1/close", json={"reason": "by the other"})
    assert one.get(f"/api/v1/sessions/{made['id']}").json() == closed.json()


def test_2000_racing_closes_have_one_winner_each(two: tuple[httpx.Client, httpx.Client]) -> None:
    sessions, closes = 50, 40
    for number in range(sessions):
        two[0].post("/api/v1/sessions", json={**CHAT, "externalId": f"race_{number}"})

    def close(number: int) -> tuple[int, bytes]:
        session = number % sessions
        answer = two[number // sessions % 2].post(
            f"/api/v1/sessions/race_{session}/close", json={"reason": str(number)}
        )
        assert answer.status_code == 200
        return session, answer.content

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(close, range(sessions * closes)))
    for session in range(sessions):
        rows = {content for number, content in answers if number == session}
        assert rows == {two[0].get(f"/api/v1/sessions/race_{session}").content}


def test_the_control_api_works_over_all_processes(two: tuple[httpx.Client, httpx.Client]) -> None:
    one, other = two
    made = one.post("/_adjourn/environments", json={"clock": "2026-01-01T00:00:00Z", "name": "shared"}).json()
    key = {"Authorization": f"Bearer {made['secretKey']}"}
    assert other.post("/api/v1/sessions", json={**CHAT, "externalId": "a"}, headers=key).status_code == 201
    path = f"/_adjourn/environments/{made['id']}"

    fault = {"fault": "status", "parameters": {"status": 503}, "times": 3, "operation": "retrieveSession"}
    other.post(f"{path}/faults", json=fault)
    statuses = [each.get("/api/v1/sessions/a", headers=key).status_code for each in (one, other) * 3]
    assert statuses == [503, 503, 503, 200, 200, 200]
    faults = one.get(f"{path}/faults").json()
    assert (faults["faults"], [(each["hits"], each["remaining"]) for each in faults["spent"]]) == ([], [(3, 0)])

    one.post(f"{path}/clock", json={"advance": "1h"})
    closed = other.post("/api/v1/sessions/a/close", json={}, headers=key).json()
    assert closed["closedAt"] == "2026-01-01T01:00:00.000Z"

    journal = one.get(f"{path}/journal", params={"operation": "retrieveSession"}).json()
    assert journal["counts"] == {"retrieveSession": {"503": 3, "200": 3}}
    waiting = threading.Timer(0.1, one.get, ["/api/v1/sessions/a"], {"headers": key})
    waiting.start()
    found = other.get(f"{path}/journal", params={"operation": "retrieveSession", "min": 7, "timeout": "5s"}).json()
    waiting.join()
    assert found["matching"] == 7

    other.post(f"{path}/reset")
    assert one.get("/api/v1/sessions/a", headers=key).status_code == 404
    one.delete(path)
    assert other.get("/api/v1/sessions/a", headers=key).status_code == 401


def test_a_redis_that_goes_away_is_503_and_comes_back() -> None:
    port = free_port()
    with mock_process("--store", f"redis://127.0.0.1:{port}/0") as (_, url), httpx.Client(base_url=url) as client:

        def create() -> httpx.Response:
            return client.post("/api/v1/sessions", json=CHAT, headers=HEADERS)

        assert create().status_code == 503
        with redis_server(port):
            assert create().status_code == 201
        gone = create()
        assert (gone.status_code, "Redis" in gone.json()["error"]) == (503, True)
        assert client.get("/_adjourn/environments").status_code == 503
        with redis_server(port):
            deadline = time.monotonic() + 10
            while create().status_code != 201 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert create().status_code == 201


def test_an_answered_close_survives_kill_9(tmp_path: Path) -> None:
    sessions = 5000
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"sessions": [{"externalId": f"chat_{n}"} for n in range(sessions)]}))
    store = ("--store", f"sqlite:{tmp_path / 'state.db'}", "--seed", str(seed))
    answered: dict[str, dict[str, Any]] = {}

    def close(numbers: range) -> None:
        with httpx.Client(base_url=url, headers=HEADERS) as client:
            for number in numbers:
                try:
                    answer = client.post(f"/api/v1/sessions/chat_{number}/close", json={"reason": f"reason {number}"})
                except httpx.TransportError:
                    return
                answered[f"chat_{number}"] = answer.json()

    with mock_process(*store) as (process, url), ThreadPoolExecutor(4) as pool:
        for start in range(4):
            pool.submit(close, range(start, sessions, 4))
        while len(answered) < sessions // 4:
            time.sleep(0.005)
        process.kill()
    assert len(answered) < sessions
    with mock_process(*store) as (_, url), httpx.Client(base_url=url, headers=HEADERS) as client:
        state = client.get("/_adjourn/environments/dev/state").json()["sessions"]
    rows = {row["externalId"]: row for row in state}
    assert len(rows) == sessions
    for name, row in answered.items():
        assert rows[name] == row
    for name, row in rows.items():
        closed = row["closedAt"] is not None
        assert row["closedReason"] == (f"reason {name[5:]}" if closed else None)
        assert closed or row["updatedAt"] == row["createdAt"]


def test_environments_and_their_clocks_survive_a_restart(tmp_path: Path) -> None:
    store = ("--store", f"sqlite:{tmp_path / 'state.db'}", "--id-seed", "1")
    with mock_process(*store) as (_, url):
        made = httpx.post(f"{url}/_adjourn/environments", json={"clock": "2026-01-01T00:00:00Z"}).json()
        first = httpx.post(f"{url}/api/v1/sessions", json=CHAT, headers=HEADERS).json()
    with mock_process(*store) as (_, url):
        shown = httpx.get(f"{url}/_adjourn/environments/{made['id']}", params={"reveal": "true"}).json()
        again = httpx.post(f"{url}/api/v1/sessions", json=CHAT, headers=HEADERS).json()
        listed = httpx.get(f"{url}/api/v1/sessions", headers=HEADERS).json()["data"]
    assert (shown["secretKey"], shown["clock"]) == (made["secretKey"], made["clock"])
    assert {row["id"] for row in listed} == {first["id"], again["id"]}
    assert first["id"] != again["id"], "the seed goes on where it was"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--workers", "2"), "--workers needs a store that processes share"),
        (("--store", "nowhere"), "there is no store 'nowhere'"),
        (("--store", "sqlite:{file}"), "is not an SQLite file"),
    ],
)
def test_a_store_that_cannot_be_used_is_one_line_and_exit_2(
    tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    file = tmp_path / "diary.txt"
    file.write_text("dear diary")
    arguments = [option.format(file=file) for option in options]
    done = subprocess.run(
        [sys.executable, "-m", "adjourn", "mock", *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, message in done.stderr) == (2, True)
    assert len(done.stderr.splitlines()) == 1
    assert file.read_text() == "dear diary"


def test_the_contract_is_kept_by_two_workers_over_one_redis() -> None:
    with redis_server(free_port()) as store, mock_process("--store", store, "--workers", "2") as (_, url):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "adjourn", "check", url, "--profile", "smoke"),
                *("--secret-key", "tr_dev_adjourn", "--other-secret-key", "tr_stg_adjourn"),
            ],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
