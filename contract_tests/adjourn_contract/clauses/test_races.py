"""Closes that overlap: clause close.atomic.

Each connection sends its request but for the last byte; then the last bytes follow one
right after the other, so that the server has all requests within a fraction of a millisecond.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import CHAT, Row, Scenario, ids_of
from adjourn_contract.engine.target import Target
from adjourn_contract.transport.exchange import Exchange, Unreachable


class Request(NamedTuple):
    """One of several requests at once; `credential` is the run's key by default."""

    method: str
    target: str
    body: bytes
    credential: str | None = None


def race(scenario: Scenario, requests: list[Request]) -> list[Exchange]:
    """Send all requests at once and collect the answers; none where the server asked to wait."""
    run = scenario.target
    wire = run.wire
    with ExitStack() as stack:
        racers = []
        for method, target, body, credential in requests:
            wire.pace()
            connection = stack.enter_context(wire.connect())
            head = f"{method} {wire.base}{target} HTTP/1.1\r\nHost: {wire.host}:{wire.port}\r\nAuthorization: Bearer {credential or run.key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            content = wire.route.route(head.encode() + body)
            connection.sendall(content[:-1])
            racers.append((connection, content[-1:]))
        began = time.monotonic()
        for connection, last in racers:
            connection.sendall(last)
        answers = [wire.read(connection) for connection, _ in racers]
        took = time.monotonic() - began
    exchanges = [
        Exchange(
            each.method,
            each.target,
            headers_of(run, each),
            each.body,
            False,
            status,
            answer_headers,
            answer,
            began,
            took,
        )
        for each, (status, answer_headers, answer) in zip(requests, answers, strict=True)
    ]
    if any(exchange.status == 429 for exchange in exchanges):
        return []
    return [scenario.note(exchange) for exchange in exchanges]


def headers_of(run: Target, request: Request) -> tuple[tuple[str, str], ...]:
    return ("Authorization", f"Bearer {request.credential or run.key}"), ("Content-Type", "application/json")


def close_of(run: Run, key: str, reason: str | None, credential: str | None = None) -> Request:
    body = json.dumps({} if reason is None else {"reason": reason}).encode()
    return Request("POST", run.close_path(key), body, credential)


@pytest.mark.clause("close.atomic")
def test_of_overlapping_closes_exactly_one_wins(run: Run) -> None:
    for number in range(run.count(run.profile.races)):
        scenario = run.scenario()
        row = (
            scenario.open() if number % 3 or "createSession" in run.unsupported else scenario.open(None, tags=["race"])
        )
        keys = [row["id"], ids_of(row)[-1]]
        reasons = [None if racer % 7 == 6 else f"racer {racer}" for racer in range(run.profile.racers)]
        answers = race(scenario, [close_of(run, keys[racer % 2], reason) for racer, reason in enumerate(reasons)])
        assert_one_winner(scenario, row, answers, reasons)


def assert_one_winner(scenario: Scenario, row: Row, answers: list[Exchange], reasons: list[str | None]) -> None:
    for answer in answers:
        scenario.expect(answer, 200, "close.atomic", "each of several closes at once")
    if not answers:
        return
    scenario.target.forget(scenario.target.key, row["id"])
    winner = scenario.validated_row(answers[0])
    for answer in answers[1:]:
        scenario.assert_same(
            winner, scenario.validated_row(answer), "close.atomic", "another of several closes at once"
        )
    if winner["closedReason"] not in reasons:
        raise scenario.fail("close.atomic", "a reason of one of the closes", repr(winner["closedReason"]))
    for key in ids_of(row):
        scenario.assert_same(winner, scenario.retrieve(key), "close.atomic", "retrieve after several closes at once")
    scenario.assert_same(
        winner,
        scenario.validated_row(scenario.try_close(row["id"], {"reason": "late"})),
        "close.atomic",
        "a later close",
    )


@pytest.mark.clause("close.atomic", "close.terminal")
def test_a_close_survives_updates_and_creates_at_the_same_time(run: Run) -> None:
    run.need("createSession")
    for number in range(run.count(max(2, run.profile.races // 2))):
        scenario = run.scenario()
        row = scenario.open()
        requests: list[Request] = [close_of(run, row["id"], "first"), close_of(run, row["externalId"], "second")]
        create = json.dumps(
            {**CHAT, "externalId": row["externalId"], "triggerConfig": {"basePayload": {"n": number}}}
        ).encode()
        others: list[Request] = [Request("POST", run.collection, create)] * 2
        if "updateSession" not in run.unsupported:
            others += [
                Request("PATCH", run.path(row["id"]), json.dumps({"tags": [f"u{n}"], "metadata": {"n": n}}).encode())
                for n in range(3)
            ]
        first, second = requests
        orders = (
            [*others[2:], first, second, *others[:2]],
            [*others[:2], first, *others[2:], second],
            [first, *others, second],
        )
        answers = race(scenario, orders[number % len(orders)])
        if not answers:
            continue
        closes = [answer for answer in answers if answer.target.endswith("/close")]
        for answer in closes:
            scenario.expect(answer, 200, "close.atomic", "a close among updates and creates")
        run.forget(run.key, row["id"])
        winner = scenario.validated_row(closes[0])
        kept = {name: winner[name] for name in ("id", "closedAt", "closedReason")}
        scenario.assert_same(kept, scenario.validated_row(closes[1]), "close.atomic", "the other close")
        scenario.assert_same(
            kept, scenario.retrieve(row["id"]), "close.terminal", "retrieve after updates and creates at the same time"
        )
        updates = [answer for answer in answers if answer.method == "PATCH"]
        for answer in updates:
            scenario.expect(answer, (200, 409), "close.atomic", "an update that overlaps with a close")
            if answer.status == 200 and answer.value.get("closedAt") is not None:
                scenario.assert_same(kept, answer.value, "close.terminal", "an update that overlaps with a close")


@pytest.mark.clause("close.preserves", "update.applied")
def test_an_update_that_overlaps_with_a_close_is_not_lost(run: Run) -> None:
    run.need("createSession", "updateSession")
    for number in range(run.count(run.profile.races)):
        scenario = run.scenario()
        row = scenario.open(tags=["before"])
        update = json.dumps({"tags": ["during"]}).encode()
        requests = [close_of(run, row["id"], "first"), Request("PATCH", run.path(ids_of(row)[-1]), update)]
        answers = race(scenario, requests if number % 3 else requests[::-1])
        for answer in answers:
            if answer.method == "POST":
                scenario.expect(answer, 200, "close.atomic", "a close beside an update")
                run.forget(run.key, row["id"])
            elif answer.status == 200:
                kept = {"tags": ["during"]}
                scenario.assert_same(
                    kept, scenario.retrieve(row["id"]), "close.preserves", "retrieve after a close beside it"
                )


@pytest.mark.clause("env.isolation", "close.atomic")
def test_closes_in_two_environments_at_once_do_not_mix(run: Run) -> None:
    run.need("createSession")
    keys = (run.key, run.need_other_key())
    for _ in range(run.count(max(2, run.profile.races // 3))):
        scenario = run.scenario()
        name = run.name("twin")
        rows = [scenario.open(name, credential=key) for key in keys]
        racers = [close_of(run, name, f"of {row['id']}", key) for key, row in zip(keys, rows, strict=True)]
        for key, row, answer in zip(keys, rows, race(scenario, racers), strict=False):
            scenario.expect(answer, 200, "close.atomic", "a close beside one of another environment")
            run.forget(key, row["id"])
            closed = scenario.validated_row(answer)
            expected = {"id": row["id"], "closedReason": f"of {row['id']}"}
            scenario.assert_same(expected, closed, "env.isolation", "a close beside one of another environment")
            scenario.assert_unchanged(closed, "env.isolation", credential=key)


@pytest.mark.clause("create.cached")
def test_of_overlapping_creates_one_session_comes(run: Run) -> None:
    run.need("createSession")
    for _ in range(run.count(max(2, run.profile.races // 3))):
        scenario = run.scenario()
        name = run.name()
        body = json.dumps({**CHAT, "externalId": name}).encode()
        answers = race(scenario, [Request("POST", run.collection, body)] * min(8, run.profile.racers))
        for answer in answers:
            run.remember(run.key, answer)
            scenario.expect(answer, (200, 201), "create.cached", "each of several creates at once")
        if not answers:
            continue
        row = scenario.retrieve(name)
        ids = {answer.value.get("id") for answer in answers}
        if ids != {row["id"]}:
            raise scenario.fail(
                "create.cached", f"one session for one externalId, {row['id']}", repr(sorted(map(str, ids)))
            )
        scenario.close(row, {"reason": "one of one"}, by=name)


@pytest.mark.clause("close.only-one", "close.atomic")
def test_closes_of_different_sessions_at_once_do_not_mix(run: Run) -> None:
    for _ in range(run.count(max(2, run.profile.races // 3))):
        scenario = run.scenario()
        rows = [scenario.open() for _ in range(min(8, run.profile.racers))]
        try:
            answers = race(scenario, [close_of(run, ids_of(row)[-1], f"of {row['id']}") for row in rows])
        except Unreachable:
            continue
        for row, answer in zip(rows, answers, strict=False):
            scenario.expect(answer, 200, "close.atomic", "a close among closes of others")
            run.forget(run.key, row["id"])
            expected = {"id": row["id"], "externalId": row["externalId"], "closedReason": f"of {row['id']}"}
            closed = scenario.validated_row(answer)
            scenario.assert_same(expected, closed, "close.only-one", "a close among closes of others")
            scenario.assert_unchanged(closed, "close.only-one")
