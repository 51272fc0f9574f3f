"""Verdicts without a check, for tests of what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from adjourn_contract.reports.facts import Facts
from adjourn_contract.reports.outcome import Outcome, Proof, Result
from adjourn_contract.reports.verdicts import Verdicts
from adjourn_spec import load_contract

FACTS = Facts(
    url="https://staging.example:8443/base",
    began=datetime(2026, 11, 25, 2, 3, 4, tzinfo=UTC),
    version="1.2.3",
    profile="smoke",
    seed=7,
    dialect="server",
    rate=20,
    time_budget=60,
)
PROOF = Proof("closedReason 'a'", "'b' <script>alert(1)</script> | \x1b[2J", "test_a", ("curl one", "curl ``` two"))


def made(*outcomes: Outcome, **options: Any) -> Verdicts:
    """The verdicts of a check that asked for three clauses, after some outcomes."""
    asked = ("close.closes", "close.listed", "reason.verbatim")
    verdicts = Verdicts(load_contract(), **{"asked": asked, "facts": FACTS, **options})
    for outcome in outcomes:
        verdicts.note(outcome)
    return verdicts


def outcome(test: str, result: Result, *clauses: str, **more: Any) -> Outcome:
    return Outcome(test, clauses, result, **more)


def failing(test: str, *clauses: str, clause: str = "reason.verbatim") -> Outcome:
    return Outcome(test, clauses, "failed", clause=clause, proof=PROOF)


def passing() -> Verdicts:
    return made(outcome("a", "passed", "close.closes", "close.listed", "reason.verbatim"))
