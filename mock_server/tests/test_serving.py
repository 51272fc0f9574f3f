"""The server as a process among others: pipes, ports, parents, children, threads, addresses."""

from __future__ import annotations

import _thread
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from engines import free_port, mock_process

from adjourn_mock import AsgiServer, LineWriter, MockServer, create_app
from adjourn_mock.serving.listening import BindError, listen, url_of

HEADERS = {"Authorization": "Bearer tr_dev_adjourn"}
DEADLINE_SECONDS = 30


def until(condition: Callable[[], bool]) -> bool:
    """Whether a condition of another process became true in time."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


# lines


def test_lines_are_written_in_order_and_completely() -> None:
    reading, writing = os.pipe()
    writer = LineWriter(writing)
    for number in range(1000):
        writer.write(f"line {number}\n")
    writer.close()
    os.close(writing)
    with open(reading) as pipe:
        assert pipe.read().splitlines() == [f"line {number}" for number in range(1000)]


def test_lines_that_nobody_reads_are_dropped_and_counted() -> None:
    reading, writing = os.pipe()
    writer = LineWriter(writing, limit_bytes=100_000)
    for _ in range(100):
        writer.write("x" * 9_999 + "\n")
    with open(reading) as pipe:
        text = [pipe.readline()]
        writer.write("the last\n")
        while not text[-1].startswith("..."):
            text.append(pipe.readline())
            # The note comes with the next line that is written.
            writer.write("another\n")
        dropped = int(text[-1].split()[1])
        writer.close()
        os.close(writing)
        text += pipe.readlines()
    assert sum(line.startswith("x") for line in text) + dropped >= 100


def test_a_reader_that_is_gone_harms_nobody() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    writer = LineWriter(writing, limit_bytes=1000)
    for _ in range(100):
        writer.write("x" * 99 + "\n")
    writer.close()
    os.close(writing)


def test_the_mock_answers_while_nobody_reads_its_output_and_ends_with_sigterm() -> None:
    command = [sys.executable, "-m", "adjourn", "mock", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split(" listens on ")[1].split()[0]
        path = f"/api/v1/sessions/{'x' * 4000}"
        with httpx.Client(base_url=url, headers=HEADERS, timeout=10) as client:
            # The lines of these are more than four times what a pipe takes.
            assert {client.get(path).status_code for _ in range(80)} == {404}
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


# addresses


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_the_url_works_from_this_machine_for_the_api_and_for_the_control_api(host: str) -> None:
    try:
        server = MockServer(host=host).start()
    except BindError:
        pytest.skip("this machine has no IPv6")
    with server:
        assert httpx.get(f"{server.url}/api/v1/sessions", headers=server.headers).status_code == 200
        assert httpx.get(f"{server.url}/_adjourn/environments").status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
def test_on_all_addresses_every_loopback_form_may_use_the_control_api(address: str) -> None:
    try:
        server = MockServer(host="::").start()
    except BindError:
        pytest.skip("this machine has no IPv6")
    with server:
        port = server.url.rpartition(":")[2]
        assert httpx.get(f"http://{address}:{port}/_adjourn/environments").status_code == 200


def test_a_name_that_is_not_this_machines_cannot_be_bound() -> None:
    with pytest.raises(BindError, match=r"cannot listen on 192\.0\.2\.1:0"):
        listen("192.0.2.1", 0)


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(BindError, match="--port 0 picks a free one"):
        listen("127.0.0.1", first.getsockname()[1])


def test_the_url_of_all_addresses_is_the_loopback_address() -> None:
    with listen("0.0.0.0", 0) as listener:
        assert url_of(listener).startswith("http://127.0.0.1:")


def test_on_all_addresses_a_control_token_is_made_for_other_machines() -> None:
    command = [sys.executable, "-m", "adjourn", "mock", "--port", "0", "--host", "0.0.0.0", "--json"]
    environ = {name: value for name, value in os.environ.items() if name != "ADJOURN_CONTROL_TOKEN"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        environments = f"{ready['url']}/_adjourn/environments"
        other = {"Host": "mock.example"}
        assert httpx.get(environments).status_code == 200
        assert httpx.get(environments, headers=other).status_code == 403
        token = {"Authorization": f"Bearer {ready['controlToken']}"}
        assert httpx.get(environments, headers={**other, **token}).status_code == 200
        process.terminate()


# processes


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with mock_process("--workers", "2", "--store", f"sqlite:{tmp_path / 'state.db'}") as (process, url):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            pytest.skip("/proc lists no children here")
        workers = [
            pid for pid in children.read_text().split() if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        assert len(workers) == 2
        assert httpx.get(f"{url}/_adjourn/health").status_code == 200
        process.kill()
        process.wait()
        assert until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


FORKED = """
import os, socket, sys, time
from urllib.parse import urlsplit
from adjourn_mock import MockServer

server = MockServer().start()
parts = urlsplit(server.url)
with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
    client.sendall(b"GET /_adjourn/health HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    assert client.recv(65536).startswith(b"HTTP/1.1 200")
    stop_reading, stop_writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(stop_writing)
        os.read(stop_reading, 1)
        os._exit(0)
    server.stop()
    assert client.recv(65536) == b"", "the child still has the connection"
try:
    socket.create_connection((parts.hostname, parts.port), timeout=10).close()
except ConnectionRefusedError:
    print("refused")
finally:
    os.write(stop_writing, b"x")
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_holds_neither_port_nor_connections_of_a_stopped_server() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stdout == "refused\n", run.stderr


def test_where_threads_are_replaced_a_server_fails_at_once_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_new_thread(*arguments: object) -> None:
        raise AssertionError("not to be called")

    start_new_thread.__module__ = "gevent.thread"
    monkeypatch.setattr(_thread, "start_new_thread", start_new_thread)
    with pytest.raises(RuntimeError, match=r"replaced by gevent.*adjourn mock"):
        MockServer().start()


FOREIGN_POLICY = """
import asyncio
import urllib.request
from adjourn_mock import MockServer

class Policy(asyncio.DefaultEventLoopPolicy):
    def new_event_loop(self):
        raise NotImplementedError("this loop belongs to somebody else")

asyncio.set_event_loop_policy(Policy())
with MockServer() as server:
    print(urllib.request.urlopen(f"{server.url}/_adjourn/health").status)
"""


def test_the_event_loop_policy_of_the_program_does_not_matter() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FOREIGN_POLICY], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stdout == "200\n", run.stderr


def test_a_port_is_free_again_after_stop() -> None:
    port = free_port()
    for _ in range(3):
        with AsgiServer(create_app(), port=port), socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
