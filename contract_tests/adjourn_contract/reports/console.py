"""The verdicts as text, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from textwrap import fill

from adjourn_contract.reports.summary import circumstances, conclusion, counts_text, target_troubles
from adjourn_contract.reports.verdicts import State, Verdict, Verdicts

__all__ = ["render"]

_COLOURS: dict[State, str] = {"passed": "32", "failed": "31", "accepted": "33", "not checked": "2"}
_BOLD, _RED = "1", "31"
_SHOWN_AFFECTED = 12
_UNASKED = "not asked for"
_WIDTH = 107

Paint = Callable[[str, str], str]


def render(verdicts: Verdicts, *, colour: bool) -> str:
    """The result as text: a line for each clause, the proof of each failed one, the circumstances, the conclusion.

    Where the target could not be used at all, one line says why.
    """

    def paint(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    url = verdicts.facts.url
    if verdicts.error is not None and not verdicts.has_run:
        return paint(_RED, f"{url} could not be checked: {verdicts.error}")
    listed = verdicts.all()
    lines = []
    for trouble in target_troubles(verdicts):
        lines += [paint(_RED, trouble), ""]
    lines += [_line(verdict, paint) for verdict in listed if verdict.kind != _UNASKED]
    lines += _unasked(listed, paint)
    for verdict in listed:
        if verdict.proof is not None:
            lines += ["", *_proof(verdicts, verdict, paint)]
    lines += ["", *(f"{label}: {text}" for label, text in circumstances(verdicts)), *verdicts.observed.notes]
    lines += [f"{url}: {counts_text(verdicts)}"]
    return "\n".join([*lines, *conclusion(verdicts)])


def _line(verdict: Verdict, paint: Paint) -> str:
    state = paint(_COLOURS[verdict.state], f"{verdict.state:<11}")
    reason = f"{verdict.kind}: {verdict.reason}" if verdict.kind else verdict.reason
    return f"{state}  {verdict.clause:<22} {reason}".rstrip()


def _unasked(listed: Sequence[Verdict], paint: Paint) -> Iterator[str]:
    """The clauses that nobody asked for, by reason: a list, for most of them are of no interest then."""
    reasons = dict.fromkeys(verdict.reason for verdict in listed if verdict.kind == _UNASKED)
    for reason in reasons:
        slugs = ", ".join(each.clause for each in listed if each.kind == _UNASKED and each.reason == reason)
        text = fill(f"{reason}: {slugs}", _WIDTH, subsequent_indent=" " * 13, break_on_hyphens=False)
        yield paint(_COLOURS["not checked"], f"not checked  {text}")


def _proof(verdicts: Verdicts, verdict: Verdict, paint: Paint) -> Iterator[str]:
    clause, proof = verdicts.contract.clauses[verdict.clause], verdict.proof
    assert proof is not None  # noqa: S101 - the caller has seen that there is one
    yield paint(_BOLD, verdict.clause)
    yield f"  {clause.statement} ({', '.join(clause.source)})"
    if proof.sent:
        yield f"  sent      {proof.sent}"
    yield f"  expected  {proof.expected}"
    yield f"  got       {proof.got}"
    if verdict.affects:
        shown = ", ".join(verdict.affects[:_SHOWN_AFFECTED])
        more = len(verdict.affects) - _SHOWN_AFFECTED
        yield f"  therefore not checked: {shown}{f' and {more} more' if more > 0 else ''}"
    yield "  again:"
    yield from (f"    {line}" for line in proof.curl)
