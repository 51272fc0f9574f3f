"""The failed clauses as SARIF 2.1.0, in the form that GitHub code scanning accepts.

Code scanning refuses a file with absolute URLs as locations, and shows a result at a file of the repository; a
check of a server has none, so that the results point to the file with its settings.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from adjourn_contract.reports.outcome import Proof
from adjourn_contract.reports.summary import circumstances, conclusion, date_text, target_troubles
from adjourn_contract.reports.verdicts import Verdicts

__all__ = ["sarif_report"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://pypi.org/project/adjourn/"


def sarif_report(verdicts: Verdicts) -> str:
    """One run: a rule for each clause, a result for each failed one."""
    results = [_result(verdicts, each.clause, each.proof) for each in verdicts.failed if each.proof is not None]
    run = {
        "tool": {
            "driver": {
                "name": "adjourn",
                "version": verdicts.facts.version,
                "semanticVersion": verdicts.facts.version,
                "informationUri": _HOME,
                "rules": _rules(verdicts),
            }
        },
        "automationDetails": {"id": f"adjourn/{verdicts.facts.profile}/"},
        "invocations": [
            {
                "executionSuccessful": verdicts.exit_code != 2,
                "exitCode": verdicts.exit_code,
                "startTimeUtc": date_text(verdicts.facts),
                "toolExecutionNotifications": [
                    {"level": "warning", "message": {"text": text}}
                    for text in (*target_troubles(verdicts), *conclusion(verdicts))
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": dict(circumstances(verdicts))
        | {"states": {each.clause: f"{each.state} {each.reason}".strip() for each in verdicts}},
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rules(verdicts: Verdicts) -> list[dict[str, Any]]:
    return [
        {
            "id": slug,
            "name": slug,
            "shortDescription": {"text": clause.statement},
            "fullDescription": {"text": clause.statement},
            "help": {"text": f"{clause.statement} Source: {', '.join(clause.source)}."},
            "defaultConfiguration": {"level": "error"},
            "properties": {"tags": ["contract", slug.partition(".")[0]]},
        }
        for slug, clause in verdicts.contract.clauses.items()
    ]


def _result(verdicts: Verdicts, slug: str, proof: Proof) -> dict[str, Any]:
    # One alert for a clause of a server, however often it is found again: ids in the texts differ from run to run.
    fingerprint = hashlib.sha256(f"{slug} {verdicts.facts.url}".encode()).hexdigest()
    return {
        "ruleId": slug,
        "ruleIndex": list(verdicts.contract.clauses).index(slug),
        "level": "error",
        "message": {"text": f"expected {proof.expected}, got {proof.got}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": verdicts.facts.location},
                    "region": {"startLine": 1},
                }
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint[:16]}:1", "clauseOfServer/v1": fingerprint},
        "properties": {"url": verdicts.facts.url, "test": proof.test, "curl": list(proof.curl)},
    }
