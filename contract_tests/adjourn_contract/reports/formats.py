"""Verdicts for machines and for reading: JSON, JUnit XML, SARIF, Markdown, HTML."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adjourn_contract.reports.html import html_report
from adjourn_contract.reports.verdicts import Verdict, Verdicts

__all__ = ["ReportError", "as_json_text", "write_report"]


class ReportError(ValueError):
    """A report of that kind is not known."""


def write_report(path: str, verdicts: Verdicts) -> None:
    """Write a report, its kind told by the file's ending.

    Raises:
        ReportError: the ending is none of .json, .xml, .sarif, .md and .html.
        OSError: the file cannot be written.
    """
    writers: dict[str, Callable[..., str]] = {
        ".json": as_json_text, ".xml": _junit, ".md": _markdown, ".sarif": _sarif, ".html": html_report,
    }  # fmt: skip
    writer = writers.get(Path(path).suffix)
    if writer is None:
        raise ReportError(f"a report ends in {', '.join(writers)}")
    Path(path).write_text(writer(verdicts), encoding="utf-8")


def as_json_text(verdicts: Verdicts) -> str:
    """`{"url", "exitCode", "error", "seconds", "requests", "clauses": [{"clause", "state", ...}]}`."""
    value = {
        "url": verdicts.facts.url,
        "exitCode": verdicts.exit_code,
        "error": verdicts.error,
        "seconds": round(verdicts.seconds, 3),
        "requests": verdicts.observed.requests,
        "clauses": [_as_value(verdicts, verdict) for verdict in verdicts.all()],
    }
    return json.dumps(value, indent=2, ensure_ascii=True)


def _as_value(verdicts: Verdicts, verdict: Verdict) -> dict[str, Any]:
    clause = verdicts.contract.clauses[verdict.clause]
    value: dict[str, Any] = {
        "clause": verdict.clause,
        "state": verdict.state,
        "statement": clause.statement,
        "source": list(clause.source),
    }
    if verdict.reason:
        value["reason"] = verdict.reason
    if verdict.proof is not None:
        value["proof"] = {
            "expected": verdict.proof.expected,
            "got": verdict.proof.got,
            "test": verdict.proof.test,
            "curl": list(verdict.proof.curl),
        }
    return value


def _junit(verdicts: Verdicts) -> str:
    listed = verdicts.all()
    suite = ET.Element(
        "testsuite", name="adjourn", hostname=verdicts.facts.url, time=f"{verdicts.seconds:.3f}",
        tests=str(len(listed)),
        failures=str(len(verdicts.failed)), errors="0",
        skipped=str(sum(verdict.state in ("not checked", "accepted") for verdict in listed)),
    )  # fmt: skip
    for verdict in listed:
        case = ET.SubElement(suite, "testcase", classname="adjourn", name=verdict.clause)
        if verdict.state == "failed" and verdict.proof is not None:
            failure = ET.SubElement(
                case, "failure", message=_printable(f"expected {verdict.proof.expected}, got {verdict.proof.got}")
            )
            failure.text = _printable(
                "\n".join([verdicts.contract.clauses[verdict.clause].statement, *verdict.proof.curl])
            )
        elif verdict.state != "passed":
            ET.SubElement(case, "skipped", message=_printable(verdict.reason or verdict.state))
    root = ET.Element("testsuites")
    root.append(suite)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """Text without what XML cannot hold."""
    return "".join(
        c if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff") else "\ufffd"
        for c in text
    )


def _markdown(verdicts: Verdicts) -> str:
    lines = [f"# Contract check of {verdicts.facts.url}", ""]
    if verdicts.error is not None:
        lines += [f"Could not be checked to the end: {_cell(verdicts.error)}", ""]
    lines += ["| clause | verdict | |", "|---|---|---|"]
    lines += [
        f"| `{v.clause}` | {v.state} | {_cell(v.reason)} |" for v in verdicts.all() if v.reason != "not asked for"
    ]
    for verdict in verdicts.all():
        if verdict.proof is not None:
            proof = verdict.proof
            lines += [
                "",
                f"## {verdict.clause}",
                "",
                verdicts.contract.clauses[verdict.clause].statement,
                "",
                f"- expected: {_cell(proof.expected)}",
                f"- got: {_cell(proof.got)}",
                "",
                "```sh",
                *proof.curl,
                "```",
            ]
    return "\n".join([*lines, "", f"{verdicts.observed.requests} requests in {verdicts.seconds:.1f} s", ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _sarif(verdicts: Verdicts) -> str:
    clauses = verdicts.contract.clauses
    rules = [
        {"id": slug, "shortDescription": {"text": clause.statement}, "properties": {"source": list(clause.source)}}
        for slug, clause in clauses.items()
    ]
    results = [
        {
            "ruleId": verdict.clause,
            "level": "error",
            "message": {"text": f"expected {verdict.proof.expected}, got {verdict.proof.got}"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": verdicts.facts.location}}}],
            "properties": {"curl": list(verdict.proof.curl)},
        }
        for verdict in verdicts.failed
        if verdict.proof is not None
    ]
    driver = {"name": "adjourn", "rules": rules}
    value = {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", **value}, indent=2)
