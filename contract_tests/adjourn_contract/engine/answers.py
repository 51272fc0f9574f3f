"""What every answer owes, whatever was asked: the row clauses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from adjourn_contract.transport.exchange import Exchange
from adjourn_spec import Contract, Violation

__all__ = ["Finding", "findings_in_answer", "findings_in_list_row", "findings_in_row", "first_finding"]

_PROBLEM = "application/problem+json"
_JSON = "application/json"
_MIN_SECRET_CHARACTERS = 6
_DATE_TIMES = ("closedAt", "expiresAt", "createdAt", "updatedAt")


class Finding(NamedTuple):
    """What is wrong with an answer by itself: the clause that it breaks, what is expected, what was got."""

    clause: str
    expected: str
    got: str


def findings_in_answer(exchange: Exchange, secrets: Iterable[str]) -> Iterator[Finding]:
    """What is wrong with an answer apart from its status.

    Args:
        exchange: the request and its answer.
        secrets: keys, tokens and internal ids that must not be in it.
    """
    has_no_content = not exchange.answer and exchange.status >= 400
    if exchange.status < 200 or 300 <= exchange.status < 400 or has_no_content:
        return
    yield from _content_type(exchange)
    yield from _secrets(exchange, secrets)


def _content_type(exchange: Exchange) -> Iterator[Finding]:
    allowed = (_JSON,) if exchange.status < 400 else (_JSON, _PROBLEM)
    if exchange.media_type not in allowed:
        got = exchange.header("content-type") or "no Content-Type"
        yield Finding("row.content-type", " or ".join(allowed), got)
    if exchange.value is None:
        yield Finding("row.content-type", "a JSON body", exchange.summary)


def _secrets(exchange: Exchange, secrets: Iterable[str]) -> Iterator[Finding]:
    text = exchange.answer.decode(errors="replace")
    headers = "\n".join(value for _, value in exchange.answer_headers)
    for secret in secrets:
        if len(secret) >= _MIN_SECRET_CHARACTERS and (secret in text or secret in headers):
            where = "the body" if secret in text else "a header"
            got = f"{secret[:3]}... ({len(secret)} characters) in {where} of a {exchange.status}"
            yield Finding("row.no-secrets", "no key, token or internal id of the caller in the answer", got)


def findings_in_row(contract: Contract, value: Any, *, extra_members: bool = False) -> Iterator[Finding]:
    """What is wrong with a row by itself.

    Args:
        contract: whose schemas apply.
        value: the row.
        extra_members: whether members beside those of a row are allowed, as in an answer of create.
    """
    if not extra_members and contract.schema("Session").is_valid(value):
        return
    for violation in contract.schema("SessionRow").violations(value):
        if not violation.is_relaxed_in_production:
            expected = f"a row that is valid against the document: {violation.place}"
            yield Finding(_clause_of(violation), expected, str(violation))
    if not isinstance(value, dict):
        return
    members = contract.schema("SessionRow").definition["properties"]
    if missing := [name for name in members if name not in value]:
        got = f"a row without {', '.join(missing)}"
        yield Finding("row.members", "every member of a row, null where unset", got)
    if not extra_members and (others := [name for name in value if name not in members]):
        yield Finding("row.members", "no members but those of a row", f"a row with {', '.join(others)}")


def findings_in_list_row(contract: Contract, value: Any) -> Iterator[Finding]:
    """What is wrong with a row of a list by itself."""
    if contract.schema("SessionListItem").is_valid(value):
        return
    for violation in contract.schema("SessionRow").violations(value):
        expected = f"a list row that is valid against the document: {violation.place}"
        yield Finding(_clause_of(violation), expected, str(violation))
    for violation in contract.schema("SessionListItem").violations(value):
        yield Finding("row.list", "a list row with the members of a row, without triggerConfig", str(violation))


def first_finding(contract: Contract, exchange: Exchange) -> Finding | None:
    """The first thing that is wrong with an answer by itself, or None."""
    return next(_findings(contract, exchange), None)


def _findings(contract: Contract, exchange: Exchange) -> Iterator[Finding]:
    value, path = exchange.value, exchange.target.partition("?")[0]
    # Channels stream events, and runs and tokens have members of their own: these clauses are about sessions.
    if contract.operations["createSession"].template not in path:
        return
    yield from findings_in_answer(exchange, ())
    if exchange.status in (200, 201) and isinstance(value, dict) and "data" not in value:
        is_created = exchange.method == "POST" and not path.endswith("/close")
        yield from findings_in_row(contract, value, extra_members=is_created)


def _clause_of(violation: Violation) -> str:
    member = violation.place.partition(".")[0]
    if member in ("id", "currentRunId") and violation.keyword in ("pattern", "anyOf"):
        return "row.prefixes"
    return "row.times" if member in _DATE_TIMES else "row.schema"
