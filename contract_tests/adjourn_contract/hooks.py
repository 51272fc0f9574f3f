"""The row clauses as Schemathesis checks.

    SCHEMATHESIS_HOOKS=adjourn_contract.hooks schemathesis run URL/openapi.json -H "Authorization: Bearer $KEY"

Schemathesis sees one exchange at a time; what takes several to see is reported by `adjourn check`.
"""

from __future__ import annotations

from typing import Any

import schemathesis

from adjourn_contract.engine.answers import first_finding
from adjourn_contract.transport.exchange import Exchange
from adjourn_spec import load_contract

__all__ = ["responses_satisfy_the_contract"]

_contract = load_contract()


@schemathesis.check
def responses_satisfy_the_contract(context: Any, response: Any, case: Any) -> None:  # noqa: ARG001
    """Media type, row, members, prefixes, date-times, secrets."""
    path = "/" + str(response.request.url).partition("://")[2].partition("/")[2]
    method, content = response.request.method, response.content or b""
    headers = tuple((name, value) for name, values in response.headers.items() for value in values)
    fault = first_finding(_contract, Exchange(method, path, (), None, False, response.status_code, headers, content))
    if fault is not None:
        clause, expected, got = fault
        raise AssertionError(f"{clause}: expected {expected}, got {got}")
