"""Requests before the tests: whether the target can be checked, and what it has."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from adjourn_contract.engine.concurrency import concurrency_for
from adjourn_contract.engine.outcomes import TargetUnusable
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.tokens import claims_of
from adjourn_contract.transport.exchange import Exchange, OutOfTime, Unreachable

__all__ = ["probe"]

_SETTLE_SECONDS = 0.2
_JSON_TYPES = ("application/json", "application/problem+json")
_MISSING = (404, 405, 501)


def probe(run: Run) -> None:
    """Find out whether the target can be checked and what it has; the run notes it.

    Raises:
        TargetUnusable: it cannot be checked.
        OutOfTime: the time budget is used up.
    """
    try:
        seen = _probe_answers(run)
    except OutOfTime:
        if not run.has_answered:
            raise TargetUnusable("the server does not answer within the time budget") from None
        raise
    _probe_create(run, seen)
    _probe_other_key(run)
    _probe_list(run)
    _probe_update(run)


def _probe_answers(run: Run) -> Exchange:
    """The first answer: whether the server is there at all, speaks HTTP on this address, and how fast it is."""
    try:
        run.wire.connect().close()
    except Unreachable as error:
        raise TargetUnusable(f"the server is unreachable: {error}") from None
    scenario = run.scenario()
    seen = scenario.send("GET", run.path(run.name("probe")))
    if seen.status == 0:
        raise TargetUnusable("the server does not answer: it closes the connection or stays silent")
    run.has_answered = True
    # The first answer may be slower than the rest: a connection is made for it.
    more = [scenario.send("GET", run.path(run.name("probe"))) for _ in range(2)]
    run.latency_seconds = min(each.seconds for each in (seen, *more))
    run.concurrency = run.concurrency or concurrency_for(run.latency_seconds)
    if 300 <= seen.status < 400:
        raise TargetUnusable(f"the server redirects to {seen.header('location')}; check the URL")
    return seen


def _probe_create(run: Run, seen: Exchange) -> None:
    made = run.scenario().send("POST", run.collection, {**run.example, "externalId": run.name("probe")})
    if made.status == 401:
        raise TargetUnusable("the server refuses the secret key (401)")
    if made.status in _MISSING:
        if seen.status == 401:
            raise TargetUnusable("the server refuses the secret key (401)")
        _assert_served(run)
        run.unsupported["createSession"] = f"the server has no create (it answers {made.status})"
        return
    session_id = made.value.get("id") if isinstance(made.value, dict) else None
    is_cached = isinstance(made.value, dict) and made.value.get("isCached") is True
    if made.status == 409 or (made.status == 200 and is_cached):
        raise TargetUnusable("sessions of this seed exist already; choose another --seed")
    if made.status == 403 and made.media_type not in _JSON_TYPES:
        raise TargetUnusable(
            f"something before the server refuses requests ({made.summary[:80]}); does it need a --header?"
        )
    if made.status not in (200, 201) or not isinstance(session_id, str):
        raise TargetUnusable(f"no session can be created: the server answers {made.summary}")
    run.remember(run.key, made)
    _probe_settling(run, session_id)
    _note_token(run, made)


def _assert_served(run: Run) -> None:
    """Distinguish a server without create from one without the path: the API refuses a request without a key."""
    unsigned = run.scenario().send("POST", run.close_path(run.name("probe")), {}, credential=None)
    if unsigned.status == 404:
        raise TargetUnusable(
            f"nothing is served at {run.collection}: the server answers 404 even without a key; "
            "is a path prefix missing in the URL, or is this another server?"
        )


def _probe_settling(run: Run, session_id: str) -> None:
    """A server may change updatedAt once more shortly after create; then updatedAt of open sessions shows nothing."""
    seen = [run.scenario().send("GET", run.path(session_id)).value]
    time.sleep(_SETTLE_SECONDS)
    seen.append(run.scenario().send("GET", run.path(session_id)).value)
    rows = [row for row in seen if isinstance(row, dict)]
    if len(rows) == 2 and rows[0] != rows[1] and {**rows[0], "updatedAt": rows[1].get("updatedAt")} == rows[1]:
        run.updates_after_create = True


def _note_token(run: Run, made: Exchange) -> None:
    claims = _claims_in(made)
    if claims is not None:
        run.token = made.value["publicAccessToken"]
        if isinstance(claims.get("sub"), str):
            run.internal_ids.add(claims["sub"])


def _probe_other_key(run: Run) -> None:
    if run.other_key is None:
        return
    seen = run.scenario().send("GET", run.path(run.name("probe")), credential=run.other_key)
    if seen.status == 401:
        raise TargetUnusable("the server refuses the other secret key (401)")
    if run.token is None or "createSession" in run.unsupported:
        return
    # Keys of different kinds are of different environments, whatever the server does; that is for a clause to report.
    kinds = {
        next((kind for kind, start in run.contract.key_prefixes.items() if key.startswith(start)), key)
        for key in (run.key, run.other_key)
    }
    if len(kinds) > 1:
        return
    body = {**run.example, "externalId": run.name("probe-other")}
    made = run.scenario().send("POST", run.collection, body, credential=run.other_key)
    run.remember(run.other_key, made)
    subject = (_claims_in(made) or {}).get("sub")
    if isinstance(subject, str) and subject in run.internal_ids:
        seen = run.scenario().send("GET", run.path(made.value["id"]), credential=run.key)
        if seen.status == 200:
            raise TargetUnusable(
                "both secret keys belong to one environment; give a key of another one, or leave it out"
            )


def _probe_list(run: Run) -> None:
    listed = run.scenario().send("GET", run.collection)
    if listed.status in _MISSING:
        run.unsupported["listSessions"] = f"the server has no list (it answers {listed.status})"


def _probe_update(run: Run) -> None:
    updated = run.scenario().send("PATCH", run.path(run.name("probe")), {})
    if updated.status in (405, 501) or (updated.status == 404 and updated.media_type not in _JSON_TYPES):
        run.unsupported["updateSession"] = f"the server has no update (it answers {updated.status})"
    elif updated.status == 404 and "createSession" not in run.unsupported:
        made = run.scenario().try_create()
        session_id = made.value.get("id") if isinstance(made.value, dict) else None
        if isinstance(session_id, str) and run.scenario().send("PATCH", run.path(session_id), {}).status == 404:
            run.unsupported["updateSession"] = "the server has no update (it answers 404)"


def _claims_in(made: Exchange) -> Mapping[str, Any] | None:
    """The claims of the token in an answer of create, unverified; None where there is none."""
    return claims_of(made.value.get("publicAccessToken")) if isinstance(made.value, dict) else None
