"""The report of `adjourn faults prove`: which clauses caught each fault, and whether lawful servers were accused."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adjourn.prove import LawfulResult, ProofResult
from adjourn_spec import stylesheet

__all__ = ["FORMATS", "ProofReport", "accused_text", "write"]


@dataclass(frozen=True)
class ProofReport:
    """What a run of `adjourn faults prove` has shown so far.

    Attributes:
        results: one for each fault that was tried.
        lawful: one for each lawful server that was checked.
        planned: how many faults were to be tried; a report with fewer results is partial.
        date: when the run began, in UTC.
        version: of adjourn.
        replay: whether the proofs were replayed.
    """

    results: Sequence[ProofResult]
    lawful: Sequence[LawfulResult]
    planned: int
    date: datetime
    version: str
    replay: bool

    @property
    def is_partial(self) -> bool:
        return len(self.results) < self.planned

    @property
    def summary(self) -> Mapping[str, Any]:
        """The numbers, as JSON members."""
        found = [result for result in self.results if result.is_caught]
        own = [result for result in found if result.by_its_own_clause]
        return {
            "date": self.date.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "version": self.version,
            "partial": self.is_partial,
            "clausesSeenToFail": len({clause for result in found for clause in result.blamed}),
            "faults": len(self.results),
            "planned": self.planned,
            "caught": len(found),
            "byOwnClause": len(own),
            "replayed": sum(result.is_replayed for result in found) if self.replay else None,
            "medianSeconds": round(statistics.median(each.seconds for each in found), 1) if found else None,
            "lawfulServers": len(self.lawful),
            "lawfulAccused": sum(bool(each.accused or each.error) for each in self.lawful),
        }

    @property
    def numbers(self) -> str:
        """The numbers in one line of words."""
        numbers = self.summary
        replayed = "" if numbers["replayed"] is None else f"; {numbers['replayed']} proofs replayed"
        return (
            f"{numbers['caught']} of {numbers['faults']} faults caught, {numbers['byOwnClause']} by their own clause"
            f"{replayed}; {numbers['clausesSeenToFail']} clauses seen to fail; "
            f"{numbers['lawfulAccused']} of {numbers['lawfulServers']} lawful servers accused"
        )

    def rows(self) -> Sequence[ProofResult]:
        """The results by clause and name: the lines of the matrix."""
        return sorted(self.results, key=lambda result: (result.fault.clause, result.fault.name))


def _json(report: ProofReport) -> str:
    faults = [
        {
            "fault": result.fault.name,
            "clause": result.fault.clause,
            "caughtBy": list(result.blamed),
            "seconds": round(result.seconds, 2),
            "error": result.error,
            "replay": result.replay,
        }
        for result in report.rows()
    ]
    lawful = [
        {
            "server": each.name,
            "accused": list(each.accused),
            "seconds": round(each.seconds, 2),
            "error": each.error,
        }
        for each in report.lawful
    ]
    return json.dumps({"summary": report.summary, "faults": faults, "lawful": lawful}, indent=2) + "\n"


def _markdown(report: ProofReport) -> str:
    lines = ["# Proof of the contract tests", "", f"{report.summary['date']}, adjourn {report.version}", ""]
    if report.is_partial:
        lines += [f"Partial: {len(report.results)} of {report.planned} faults were tried.", ""]
    lines += [report.numbers, "", "| clause | fault | caught by | seconds | replay |", "|---|---|---|---|---|"]
    for result in report.rows():
        cells = (f"`{result.fault.clause}`", f"`{result.fault.name}`", _cell(caught_text(result)))
        lines.append(f"| {' | '.join(cells)} | {result.seconds:.1f} | {_cell(replay_text(result))} |")
    lines += ["", "| lawful server | accused | seconds |", "|---|---|---|"]
    lines += [f"| {each.name} | {_cell(accused_text(each))} | {each.seconds:.1f} |" for each in report.lawful]
    return "\n".join(lines) + "\n"


def _html(report: ProofReport) -> str:
    from jinja2 import PackageLoader
    from markupsafe import Markup

    from adjourn_contract.reports.html import pages

    return (
        pages(PackageLoader("adjourn", "."))
        .get_template("proof_report.html.j2")
        .render(
            style=Markup(stylesheet()),  # noqa: S704 - our own file
            report=report,
            caught_text=caught_text,
            replay_text=replay_text,
            accused_text=accused_text,
        )
    )


def caught_text(result: ProofResult) -> str:
    """The clauses that caught a fault, or `MISSED` with the reason."""
    return ", ".join(result.blamed) or f"MISSED{f': {result.error}' if result.error else ''}"


def replay_text(result: ProofResult) -> str:
    """How the replay of a proof ended; empty where it was not asked for."""
    return "" if result.replay is None else result.replay or "shown"


def accused_text(result: LawfulResult) -> str:
    """The clauses of which a lawful server was accused, or `none`."""
    return ", ".join(result.accused) or (f"not checked: {result.error}" if result.error else "none")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


FORMATS = {".json": _json, ".md": _markdown, ".html": _html}


def write(report: ProofReport, path: Path) -> None:
    """Write the report in the format of the file's ending, one of `FORMATS`.

    Raises:
        OSError: the file cannot be written.
    """
    path.write_text(FORMATS[path.suffix](report), encoding="utf-8")
