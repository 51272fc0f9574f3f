"""The verdicts as text, for a terminal."""

from __future__ import annotations

from typing import Any

from adjourn_contract.reports.verdicts import Verdict, Verdicts

__all__ = ["render"]


def render(verdicts: Verdicts, *, url: str, seconds: float, colour: bool) -> str:
    """The result as text: a table of clauses, then the proof of each broken one."""

    def paint(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    if verdicts.error is not None and not verdicts.failed:
        return paint("31", f"{url} could not be checked: {verdicts.error}")
    colours = {"passed": "32", "failed": "31", "accepted": "33", "not checked": "2"}
    marks = {state: paint(code, f"{state:<11}") for state, code in colours.items()}
    asked = [verdict for verdict in verdicts.all() if verdict.reason != "not asked for"]
    lines = [f"{marks[verdict.state]}  {verdict.clause:<22} {verdict.reason}".rstrip() for verdict in asked]
    for verdict in verdicts.all():
        if verdict.state in ("failed", "accepted"):
            lines += ["", *_proof(verdicts, verdict, paint)]
    counts = {state: sum(verdict.state == state for verdict in asked) for state in marks}
    summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    lines += ["", f"{url}: {summary}; {verdicts.requests} requests in {seconds:.1f} s"]
    if verdicts.error is not None:
        lines.append(f"not all was checked: {verdicts.error}")
    return "\n".join(lines)


def _proof(verdicts: Verdicts, verdict: Verdict, paint: Any) -> list[str]:
    clause, proof = verdicts.contract.clauses[verdict.clause], verdict.proof
    assert proof is not None  # noqa: S101 - a broken clause has one
    return [
        paint("1", verdict.clause),
        f"  {clause.statement} ({', '.join(clause.source)})",
        f"  expected  {proof.expected}",
        f"  got       {proof.got}",
        "  again:",
        *(f"    {line}" for line in proof.curl),
    ]
