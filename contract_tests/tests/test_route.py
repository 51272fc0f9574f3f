"""How requests reach a server: headers that every request needs, and proxies."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adjourn_contract.transport.exchange import Unreachable
from adjourn_contract.transport.route import Proxy, Route, is_local, parse_header
from adjourn_contract.transport.wire import Wire


@contextmanager
def listener(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A socket that records what each connection sends first, and answers it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(65536))
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@pytest.mark.parametrize(("text", "header"), [("a:b", ("a", "b")), ("X-A: b: c ", ("X-A", "b: c")), ("x:", ("x", ""))])
def test_a_header_is_name_and_value(text: str, header: tuple[str, str]) -> None:
    assert parse_header(text) == header


@pytest.mark.parametrize(
    "text", ["secret", ":secret", "a b:secret", "Authorization:secret", "host:secret", "a:secret\n"]
)
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(ValueError, match="header") as raised:
        parse_header(text + "\x01" if text.endswith("\n") else text)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", True), ("127.0.0.1", True), ("127.1.2.3", True), ("staging.example", False)]
)
def test_a_host_is_on_this_machine_or_not(host: str, expected: bool) -> None:
    assert is_local(host) == expected


def test_every_request_has_the_added_headers() -> None:
    with listener(OK) as (port, heard):
        wire = Wire(f"http://127.0.0.1:{port}", headers=(("X-Access", "abc"),))
        wire.send("GET", "/a", [("X-Other", "b")])
        wire.raw(b"POST /a HTTP/1.1\r\nHost: x\r\n\r\n", target="/a")
    assert [b"X-Access: abc\r\n" in request for request in heard] == [True, True]


def test_a_plain_request_goes_to_the_proxy_with_its_whole_target() -> None:
    with listener(OK) as (port, heard):
        proxy = Proxy("127.0.0.1", port, "Basic eDp5")
        wire = Wire("http://staging.example:8080/base", proxy=proxy)
        wire.send("GET", "/a?b=c", [])
        wire.raw(b"POST /base/a HTTP/1.1\r\nHost: staging.example\r\n\r\n", target="/a")
    assert heard[0].startswith(b"GET http://staging.example:8080/base/a?b=c HTTP/1.1\r\n")
    assert heard[1].startswith(b"POST http://staging.example:8080/base/a HTTP/1.1\r\n")
    assert all(b"Proxy-Authorization: Basic eDp5\r\n" in request for request in heard)


def test_a_secure_request_is_tunnelled_and_a_refusal_is_reported() -> None:
    with listener(b"HTTP/1.1 403 Forbidden\r\n\r\n") as (port, heard):
        wire = Wire("https://staging.example", proxy=Proxy("127.0.0.1", port))
        with pytest.raises(Unreachable, match=r"answers 403 to CONNECT staging\.example:443; --no-proxy goes without"):
            wire.connect()
    assert heard == [b"CONNECT staging.example:443 HTTP/1.1\r\nHost: staging.example:443\r\n\r\n"]


def test_without_a_proxy_a_request_is_written_as_it_is() -> None:
    assert Route(False, "127.0.0.1", 80).route(b"GET / HTTP/1.1\r\n\r\n") == b"GET / HTTP/1.1\r\n\r\n"


class TestProxyOfTheEnvironment:
    @pytest.fixture(autouse=True)
    def _no_proxies(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)

    def test_it_is_that_of_the_scheme_with_its_credentials(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://x:y@proxy.example:3128")
        assert Proxy.of_environment("https", "staging.example") == Proxy("proxy.example", 3128, "Basic eDp5")
        assert Proxy.of_environment("http", "staging.example") is None

    def test_it_is_not_used_for_this_machine_nor_for_no_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
        monkeypatch.setenv("NO_PROXY", "staging.example")
        assert Proxy.of_environment("http", "127.0.0.1") is None
        assert Proxy.of_environment("http", "staging.example") is None
        assert Proxy.of_environment("http", "other.example") == Proxy("proxy.example", 3128)

    def test_one_of_another_kind_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example:1080")
        with pytest.raises(ValueError, match="is a socks5 proxy"):
            Proxy.of_environment("http", "staging.example")
