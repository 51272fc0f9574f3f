"""What every answer owes, whatever was asked: the row clauses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adjourn_contract.transport.exchange import Exchange
from adjourn_spec import Contract, Violation

__all__ = ["Fault", "findings_in_answer", "findings_in_list_row", "findings_in_row", "hold"]

Fault = tuple[str, str, str]  # clause, expected, got

_PROBLEM = "application/problem+json"
_JSON = "application/json"
_MIN_SECRET_CHARACTERS = 6


def findings_in_answer(exchange: Exchange, secrets: Iterable[str]) -> Iterable[Fault]:
    """What is wrong with an answer apart from its status.

    Args:
        exchange: the request and its answer.
        secrets: keys, tokens and internal ids that must not be in it.
    """
    if exchange.status < 200 or 300 <= exchange.status < 400 or (not exchange.answer and exchange.status >= 400):
        return
    allowed = (_JSON,) if exchange.status < 400 else (_JSON, _PROBLEM)
    if exchange.media_type not in allowed:
        yield "row.content-type", " or ".join(allowed), exchange.header("content-type") or "no Content-Type"
    if exchange.value is None:
        yield "row.content-type", "a JSON body", exchange.summary
    text = exchange.answer.decode(errors="replace")
    headers = "\n".join(value for _, value in exchange.answer_headers)
    for secret in secrets:
        if len(secret) >= _MIN_SECRET_CHARACTERS and (secret in text or secret in headers):
            where = "the body" if secret in text else "a header"
            got = f"{secret[:3]}... ({len(secret)} characters) in {where} of a {exchange.status}"
            yield "row.no-secrets", "no key, token or internal id of the caller in the answer", got


def findings_in_row(contract: Contract, value: Any, *, extra_members: bool = False) -> Iterable[Fault]:
    """What is wrong with a row by itself.

    Args:
        contract: whose schemas hold.
        value: the row.
        extra_members: whether others than the row's may stand beside them, as in an answer of create.
    """
    if not extra_members and contract.schema("Session").is_valid(value):
        return
    for violation in contract.schema("SessionRow").violations(value):
        if not violation.is_relaxed_in_production:
            yield _clause_of(violation), f"a row that is valid against the document: {violation.place}", str(violation)
    if not isinstance(value, dict):
        return
    members = contract.schema("SessionRow").definition["properties"]
    if missing := [name for name in members if name not in value]:
        yield "row.members", "every member of a row, null where unset", f"a row without {', '.join(missing)}"
    if not extra_members and (others := [name for name in value if name not in members]):
        yield "row.members", "no members but those of a row", f"a row with {', '.join(others)}"


def findings_in_list_row(contract: Contract, value: Any) -> Iterable[Fault]:
    """What is wrong with a row of a list by itself."""
    if contract.schema("SessionListItem").is_valid(value):
        return
    for violation in contract.schema("SessionRow").violations(value):
        yield _clause_of(violation), f"a list row that is valid against the document: {violation.place}", str(violation)
    for violation in contract.schema("SessionListItem").violations(value):
        yield "row.list", "a list row with the members of a row, without triggerConfig", str(violation)


def hold(contract: Contract, exchange: Exchange) -> tuple[str, str, str] | None:
    """What is wrong with an answer by itself: clause, expected, got; None where nothing is."""
    for fault in findings_in_answer(exchange, ()):
        return fault
    value, path = exchange.value, exchange.target.partition("?")[0]
    is_row = exchange.status in (200, 201) and isinstance(value, dict) and "data" not in value
    if is_row and "/sessions" in path:
        is_created = exchange.method == "POST" and not path.endswith("/close")
        for fault in findings_in_row(contract, value, extra_members=is_created):
            return fault
    return None


def _clause_of(violation: Violation) -> str:
    member = violation.place.partition(".")[0]
    if member in ("id", "currentRunId") and violation.keyword in ("pattern", "anyOf"):
        return "row.prefixes"
    if member in ("closedAt", "expiresAt", "createdAt", "updatedAt"):
        return "row.times"
    return "row.schema"
