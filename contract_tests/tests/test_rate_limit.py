"""How long a 429 asks to wait, in each form; and what becomes of answers that are not the server's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from email.utils import formatdate

import pytest
from runs import run_against
from scripted_server import Scripted

from adjourn_contract.engine.outcomes import NotChecked
from adjourn_contract.transport import wire as wire_module
from adjourn_contract.transport.exchange import Exchange, OutOfTime
from adjourn_contract.transport.rate_limit import MAX_WAIT_SECONDS, Quota, wait_seconds
from adjourn_contract.transport.wire import Wire

NOW = 1_790_000_000
DATE = ("Date", formatdate(NOW, usegmt=True))


def answer_429(*headers: tuple[str, str]) -> Exchange:
    return Exchange("GET", "/", (), None, False, 429, headers, b"{}")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Retry-After", "7"),
        ("Retry-After", formatdate(NOW + 7, usegmt=True)),
        ("RateLimit-Reset", "7"),
        ("X-RateLimit-Reset", "7"),
        ("X-RateLimit-Reset", str(NOW + 7)),
        ("x-ratelimit-reset", str((NOW + 7) * 1000)),
    ],
)
def test_each_form_of_a_rate_limit_is_read_by_the_clock_of_the_server(header: str, value: str) -> None:
    assert wait_seconds(answer_429(DATE, (header, value)), 0) == 7


def test_without_a_time_the_wait_grows_with_each_attempt() -> None:
    waits = [wait_seconds(answer_429(), attempt) for attempt in range(12)]
    assert waits == sorted(waits)
    assert waits[0] < waits[1] < waits[-1] <= MAX_WAIT_SECONDS


@pytest.mark.parametrize("value", ["-5", "0", str(NOW - 60), formatdate(NOW - 60, usegmt=True), "1e9999", "x" * 100])
def test_a_moment_in_the_past_or_far_ahead_is_a_bounded_wait(value: str) -> None:
    for header in ("Retry-After", "X-RateLimit-Reset"):
        assert 0 < wait_seconds(answer_429(DATE, (header, value)), 0) <= MAX_WAIT_SECONDS


def response(status: int, body: bytes, media_type: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{more}\r\n".encode() + body


OK = response(200, b"{}")
LIMITED = response(429, b"{}", more="Retry-After: 0\r\n")
GATEWAY = response(502, b"<html>Bad Gateway</html>", "text/html")


@pytest.fixture
def server() -> Iterator[Scripted]:
    with closing(Scripted([OK])) as server:
        yield server


def test_a_429_is_never_the_answer(server: Scripted) -> None:
    server.answers = [LIMITED, LIMITED, OK]
    with closing(Wire(server.url)) as wire:
        assert wire.send("GET", "/", ()).status == 200
        assert (wire.rate_limited, wire.requests) == (2, 3)
        server.count = 0
        assert wire.raw(b"GET / HTTP/1.1\r\n\r\n").status == 200


def test_an_endless_429_is_out_of_time(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers = [LIMITED]
    monkeypatch.setattr(wire_module, "MAX_WAITED_SECONDS", 0.1)
    with closing(Wire(server.url)) as wire, pytest.raises(OutOfTime, match="429"):
        wire.send("GET", "/", ())


def test_a_gateway_error_is_retried_and_counted(server: Scripted) -> None:
    server.answers = [GATEWAY, OK]
    with closing(Wire(server.url)) as wire:
        exchange = wire.send("GET", "/", ())
        assert (exchange.status, exchange.gateway_errors, wire.gateway_errors) == (200, 1, 1)


def test_a_gateway_that_goes_on_failing_breaks_no_clause(server: Scripted) -> None:
    server.answers = [GATEWAY]
    with run_against(server.url) as run, pytest.raises(NotChecked, match="unstable"):
        run.scenario().retrieve("session_x")


def test_a_json_503_is_the_servers_own_answer(server: Scripted) -> None:
    server.answers = [response(503, b'{"error":"x"}')]
    with closing(Wire(server.url)) as wire:
        assert wire.send("GET", "/", ()).status == 503
        assert wire.gateway_errors == 0


def answer_of_bucket(remaining: int, *, reset_seconds: float, limit: int = 750) -> Exchange:
    headers = (
        DATE,
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(remaining)),
        ("x-ratelimit-reset", str(int((NOW + reset_seconds) * 1000))),
    )
    return Exchange("GET", "/", (), None, False, 200, headers, b"{}")


def test_requests_are_as_far_apart_as_the_limit_refills_when_little_of_it_is_left() -> None:
    quota = Quota()
    quota.note(answer_of_bucket(400, reset_seconds=14), now=100)
    assert quota.interval(100) == 0
    quota.note(answer_of_bucket(20, reset_seconds=29.2), now=101)
    # 730 come back in 29.2 s: 25 a second.
    assert quota.interval(101) == pytest.approx(0.04, rel=0.05)
    assert quota.interval(131) == 0
    quota.note(answer_of_bucket(300, reset_seconds=18), now=102)
    assert quota.interval(102) == 0


def test_answers_without_headers_of_a_limit_slow_nothing_down() -> None:
    quota = Quota()
    for headers in ((), (("x-ratelimit-limit", "many"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1"))):
        quota.note(Exchange("GET", "/", (), None, False, 200, headers, b"{}"), now=100)
        assert quota.interval(100) == 0
