"""A failed clause as a test reports it, and the values in its words."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adjourn_contract.proofs.evidence import Claim
from adjourn_contract.transport.exchange import Exchange
from adjourn_spec import Contract

__all__ = ["NO_VALUE", "Failure", "session_in", "value_in"]


@dataclass(frozen=True)
class Failure:
    """What a test reports of a failed clause.

    Attributes:
        expected: what the clause asks for, in words.
        got: what came instead.
        exchanges: every request of the scenario with its answer.
        secrets: keys that no answer may have.
        contract: what the server is checked against.
        row: the row that is wrong, of one of the answers, where that is known.
        claims: what a lawful server's answers satisfy, where the test knows it.
    """

    expected: str
    got: str
    exchanges: Sequence[Exchange]
    secrets: Sequence[str]
    contract: Contract
    row: Any = None
    claims: Sequence[Claim] = ()

    @property
    def last(self) -> int:
        return len(self.exchanges) - 1


NO_VALUE = object()


def value_in(text: str) -> Any:
    """The JSON value or Python literal at the start of a text, of which words such as `at a later close` may follow."""
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        end = -1
    if end >= 0 and (end == len(text) or text[end] in " ,"):
        return value
    for end in (len(text), *(found.start() for found in reversed(list(re.finditer(" (?:at|on) ", text))))):
        try:
            return ast.literal_eval(text[:end])
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            if text[:end] == "null":
                return None
    return NO_VALUE


def session_in(text: str) -> Any:
    found = re.search(r"\S+_[A-Za-z0-9_-]+", text)
    return found[0].rstrip(",.") if found else NO_VALUE
