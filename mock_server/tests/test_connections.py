"""HTTP as clients of other languages speak it: offers of other protocols, request targets, what is not HTTP."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from sessions_api import Api

from adjourn_mock import MockServer
from adjourn_spec import Contract

OFFER = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)


@pytest.fixture(scope="module")
def fresh(contract: Contract) -> Iterator[Api]:
    with MockServer(contract=contract) as server:
        api = Api(server, contract)
        yield api
        api.client.close()


def close(key: str, reason: str, headers: bytes = b"", version: bytes = b"1.1") -> bytes:
    body = json.dumps({"reason": reason}).encode()
    return (
        f"POST /api/v1/sessions/{key}/close HTTP/".encode()
        + version
        + b"\r\nHost: a\r\nAuthorization: Bearer tr_dev_adjourn\r\n"
        + headers
        + b"Content-Length: %d\r\n\r\n" % len(body)
        + body
    )


def reason_of(api: Api, key: str) -> object:
    return api.get(key).json()["closedReason"]


@pytest.mark.parametrize("name", [b"h2c", b"websocket", b"TLS/1.3, foo/2"])
def test_an_offer_of_another_protocol_is_ignored_and_the_body_read(fresh: Api, name: bytes) -> None:
    key = fresh.fresh()["id"]
    answer = fresh.raw(close(key, "signed out", OFFER.replace(b"h2c", name)))
    assert answer.startswith(b"HTTP/1.1 200")
    assert reason_of(fresh, key) == "signed out"


def test_a_body_that_comes_after_an_offer_in_pieces_is_read(fresh: Api) -> None:
    key = fresh.fresh()["id"]
    request = close(key, "in pieces", OFFER)
    url = urlsplit(fresh.server.url)
    with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for position in range(0, len(request), 40):
            connection.sendall(request[position : position + 40])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert reason_of(fresh, key) == "in pieces"


def test_pipelined_requests_with_offers_are_answered_in_order(fresh: Api) -> None:
    keys = [fresh.fresh()["id"] for _ in range(4)]
    requests = b"".join(close(key, f"reason {n}", OFFER if n % 2 else b"") for n, key in enumerate(keys))
    received = fresh.raw(requests, answers=4)
    assert re.findall(rb'"closedReason":"(reason \d)"', received) == [b"reason %d" % n for n in range(4)]


def test_the_journal_shows_the_headers_of_an_offer_as_they_were_sent(fresh: Api) -> None:
    key = fresh.fresh()["id"]
    fresh.raw(close(key, "signed out", OFFER))
    journal = next(iter(fresh.server.app.environments)).journal
    headers = dict(list(journal)[-1].headers)  # type: ignore[call-overload]
    assert (headers[b"upgrade"], headers[b"connection"]) == (b"h2c", b"Upgrade, HTTP2-Settings")


def test_other_options_of_connection_count_beside_an_offer(fresh: Api) -> None:
    key = fresh.fresh()["id"]
    request = close(key, "signed out", OFFER.replace(b"Upgrade,", b"close, Upgrade,"))
    url = urlsplit(fresh.server.url)
    with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
        connection.sendall(request)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert b"connection: close" in received


def test_curl_with_http2_closes_with_its_reason(fresh: Api) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is needed")
    key = fresh.fresh()["id"]
    url = f"{fresh.server.url}/api/v1/sessions/{key}/close"
    options = ["-H", "Authorization: Bearer tr_dev_adjourn", "-d", '{"reason":"signed out"}']
    run = subprocess.run([curl, "-s", "--http2", url, *options], capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(run.stdout)["closedReason"] == "signed out"


def test_a_tls_handshake_is_named_as_that(fresh: Api) -> None:
    answer = fresh.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    assert "TLS handshake" in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


def test_http_1_0_needs_no_host_and_ends_the_connection(fresh: Api) -> None:
    key = fresh.fresh()["id"]
    answer = fresh.raw(close(key, "old", version=b"1.0").replace(b"Host: a\r\n", b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert reason_of(fresh, key) == "old"


def test_a_target_in_absolute_form_is_taken(fresh: Api) -> None:
    key = fresh.fresh()["id"]
    request = close(key, "through a proxy").replace(b"POST /", b"POST http://mock.example:3031/")
    assert fresh.raw(request).startswith(b"HTTP/1.1 200")
    assert reason_of(fresh, key) == "through a proxy"


def test_a_request_without_a_host_is_told_what_is_missing(fresh: Api) -> None:
    key = fresh.fresh()["id"]
    answer = fresh.raw(close(key, "no host").replace(b"Host: a\r\n", b""))
    assert "exactly one Host" in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert fresh.get(key).json()["closedAt"] is None


def test_a_body_shorter_than_its_length_closes_nothing(fresh: Api) -> None:
    key = fresh.fresh()["id"]
    url = urlsplit(fresh.server.url)
    with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
        connection.sendall(close(key, "cut").replace(b"Content-Length: 17", b"Content-Length: 18"))
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536) == b""
    assert fresh.get(key).json()["closedAt"] is None
