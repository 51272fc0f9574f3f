"""The verdicts as JUnit XML, one test case for each clause.

Two schemas are common: Apache Ant's (`JUnit.xsd`), which GitLab, Azure and most viewers follow, and Jenkins'
(`junit-10.xsd`). What is written here is valid against both.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from urllib.parse import urlsplit

from adjourn_contract.reports.summary import circumstances, conclusion, target_troubles
from adjourn_contract.reports.verdicts import Verdict, Verdicts

__all__ = ["junit_report"]

_SUITE = "adjourn"


def junit_report(verdicts: Verdicts) -> str:
    """A suite whose test cases are the clauses; a check that came to nothing has an error beside them."""
    listed = verdicts.all()
    errors = [] if verdicts.error is None else [verdicts.error]
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_SUITE,
        package=_SUITE,
        id="0",
        hostname=urlsplit(verdicts.facts.url).hostname or "unknown",
        timestamp=verdicts.facts.began.strftime("%Y-%m-%dT%H:%M:%S"),
        time=_seconds(verdicts.seconds),
        tests=str(len(listed) + len(errors)),
        failures=str(len(verdicts.failed)),
        errors=str(len(errors)),
        skipped=str(sum(verdict.state in ("not checked", "accepted") for verdict in listed)),
    )
    properties = ET.SubElement(suite, "properties")
    for label, text in circumstances(verdicts):
        ET.SubElement(properties, "property", name=label, value=_printable(text))
    for verdict in listed:
        _add_case(suite, verdicts, verdict)
    for reason in errors:
        case = ET.SubElement(suite, "testcase", classname=_SUITE, name="the check itself", time=_seconds(0))
        ET.SubElement(case, "error", type="NotChecked", message=_printable(reason)).text = _printable(reason)
    ET.SubElement(suite, "system-out").text = _printable(
        "\n".join((*target_troubles(verdicts), *verdicts.observed.notes, *conclusion(verdicts)))
    )
    ET.SubElement(suite, "system-err")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ET.Element, verdicts: Verdicts, verdict: Verdict) -> None:
    seconds = _seconds(verdicts.seconds_of(verdict.clause))
    case = ET.SubElement(suite, "testcase", classname=_SUITE, name=verdict.clause, time=seconds)
    if verdict.state == "failed" and verdict.proof is not None:
        message = f"expected {verdict.proof.expected}, got {verdict.proof.got}"
        failure = ET.SubElement(case, "failure", type="ClauseFailed", message=_printable(message))
        statement = verdicts.contract.clauses[verdict.clause].statement
        affects = [f"therefore not checked: {', '.join(verdict.affects)}"] if verdict.affects else []
        failure.text = _printable("\n".join([statement, *affects, *verdict.proof.curl]))
    elif verdict.state != "passed":
        is_explained = verdict.kind not in ("", verdict.reason)
        reason = f"{verdict.kind}: {verdict.reason}" if is_explained else verdict.reason or verdict.state
        ET.SubElement(case, "skipped", message=_printable(reason))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _printable(text: str) -> str:
    """Text without the characters that XML excludes."""
    return "".join(
        c if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff") else "\ufffd"
        for c in text
    )
