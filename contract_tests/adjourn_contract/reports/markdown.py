"""The verdicts as Markdown, for a comment, a wiki or the summary of a run on GitHub."""

from __future__ import annotations

from collections.abc import Iterator

from adjourn_contract.reports.summary import circumstances, conclusion, counts_text, target_troubles
from adjourn_contract.reports.verdicts import Verdict, Verdicts

__all__ = ["markdown_report"]


def markdown_report(verdicts: Verdicts) -> str:
    """A table of all clauses, the proof of each failed one, and the circumstances."""
    return "\n".join(_lines(verdicts)) + "\n"


def _lines(verdicts: Verdicts) -> Iterator[str]:
    yield from (f"# Contract check of {_cell(verdicts.facts.url)}", "")
    for trouble in target_troubles(verdicts):
        yield from (_cell(trouble), "")
    yield counts_text(verdicts)
    yield from (line for text in conclusion(verdicts) for line in ("", _cell(text)))
    for verdict in verdicts.all():
        yield from _proof(verdicts, verdict)
    yield from ("", "## All clauses", "", "| clause | verdict | reason |", "|---|---|---|")
    for verdict in verdicts.all():
        reason = f"{verdict.kind}: {verdict.reason}" if verdict.kind not in ("", "not asked for") else verdict.reason
        yield f"| `{verdict.clause}` | {verdict.state} | {_cell(reason)} |"
    yield from ("", "## Circumstances", "")
    yield from (f"- {label}: {_cell(text)}" for label, text in circumstances(verdicts))
    yield from (f"- {_cell(note)}" for note in verdicts.observed.notes)


def _proof(verdicts: Verdicts, verdict: Verdict) -> Iterator[str]:
    proof = verdict.proof
    if proof is None:
        return
    yield from (
        "",
        f"## {verdict.clause}: {verdict.state}",
        "",
        verdicts.contract.clauses[verdict.clause].statement,
        "",
    )
    yield f"- expected: {_cell(proof.expected)}"
    yield f"- got: {_cell(proof.got)}"
    if proof.sent:
        yield f"- sent: {_cell(proof.sent)}"
    if verdict.affects:
        yield f"- therefore not checked: {', '.join(verdict.affects)}"
    # A fence longer than any in the commands ends where it should.
    fence = "```"
    while any(fence in line for line in proof.curl):
        fence += "`"
    yield from ("", f"{fence}sh", *proof.curl, fence)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
