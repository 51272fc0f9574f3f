"""The row clauses as Schemathesis checks.

    SCHEMATHESIS_HOOKS=adjourn_contract.hooks schemathesis run URL/openapi.json -H "Authorization: Bearer $KEY"

Schemathesis sees one exchange at a time; what it takes several to see is told by `adjourn check`.
"""

from __future__ import annotations

from typing import Any

import schemathesis

from adjourn_contract.answers import faults_of_answer, faults_of_row
from adjourn_contract.wire import Exchange
from adjourn_spec import Contract, load_contract

__all__ = ["answers_keep_the_contract", "hold"]

_contract = load_contract()


@schemathesis.check
def answers_keep_the_contract(context: Any, response: Any, case: Any) -> None:  # noqa: ARG001
    """Media type, row, members, prefixes, date-times, secrets."""
    path = "/" + str(response.request.url).partition("://")[2].partition("/")[2]
    method, content = response.request.method, response.content or b""
    headers = tuple((name, value) for name, values in response.headers.items() for value in values)
    fault = hold(_contract, Exchange(method, path, (), None, False, response.status_code, headers, content))
    if fault is not None:
        clause, expected, got = fault
        raise AssertionError(f"{clause}: expected {expected}, got {got}")


def hold(contract: Contract, exchange: Exchange) -> tuple[str, str, str] | None:
    """What is wrong with an answer by itself: clause, expected, got; None where nothing is."""
    for fault in faults_of_answer(exchange, ()):
        return fault
    value, path = exchange.value, exchange.target.partition("?")[0]
    is_row = exchange.status in (200, 201) and isinstance(value, dict) and "data" not in value
    if is_row and "/sessions" in path:
        is_created = exchange.method == "POST" and not path.endswith("/close")
        for fault in faults_of_row(contract, value, extra_members=is_created):
            return fault
    return None
