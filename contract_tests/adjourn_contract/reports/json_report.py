"""The verdicts as JSON, valid against `report.schema.json`."""

from __future__ import annotations

import json
from typing import Any

from adjourn_contract.reports.summary import date_text
from adjourn_contract.reports.verdicts import Verdict, Verdicts

__all__ = ["json_report"]


def json_report(verdicts: Verdicts) -> str:
    """The result as one JSON object: circumstances, exit code, and a verdict for each clause."""
    facts, observed = verdicts.facts, verdicts.observed
    value = {
        "url": facts.url,
        "exitCode": verdicts.exit_code,
        "error": verdicts.error,
        "date": date_text(facts),
        "version": facts.version,
        "profile": facts.profile,
        "seed": facts.seed,
        "dialect": facts.dialect,
        "rate": facts.rate,
        "timeBudgetSeconds": facts.time_budget,
        "seconds": round(verdicts.seconds, 3),
        "requests": observed.requests,
        "rateLimited": observed.rate_limited,
        "gatewayErrors": observed.gateway_errors,
        "listLagSeconds": observed.list_lag_seconds,
        "leftOpen": observed.left_open,
        "unreachable": observed.is_gone,
        "notes": list(observed.notes),
        "missing": dict(verdicts.remedies),
        "stale": list(verdicts.stale),
        "clauses": [_clause(verdicts, verdict) for verdict in verdicts.all()],
    }
    return json.dumps(value, indent=2, ensure_ascii=True) + "\n"


def _clause(verdicts: Verdicts, verdict: Verdict) -> dict[str, Any]:
    clause = verdicts.contract.clauses[verdict.clause]
    value: dict[str, Any] = {
        "clause": verdict.clause,
        "state": verdict.state,
        "statement": clause.statement,
        "source": list(clause.source),
    }
    optional = {"kind": verdict.kind, "reason": verdict.reason, "missing": verdict.remedy}
    value |= {name: text for name, text in optional.items() if text}
    if verdict.affects:
        value["affects"] = list(verdict.affects)
    if verdict.proof is not None:
        value["proof"] = {
            "expected": verdict.proof.expected,
            "got": verdict.proof.got,
            "sent": verdict.proof.sent,
            "test": verdict.proof.test,
            "curl": list(verdict.proof.curl),
        }
    return value
