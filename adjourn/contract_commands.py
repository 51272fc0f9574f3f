"""The commands around the contract tests: clauses, faults."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from adjourn.options import UsageProblem, contract_of

if TYPE_CHECKING:
    from adjourn.proof_report import ProofReport
    from adjourn.prove import LawfulResult, ProofResult

__all__ = ["clauses", "faults"]


@click.group()
def faults() -> None:
    """Faults of the mock: each breaks one clause, to try clients and to prove the contract tests."""


@faults.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_faults(as_json: bool) -> None:
    """List the network conditions and the faults: name, violated clause, what the server does wrong.

    \b
    Example:
      adjourn faults list
    """
    from adjourn_mock.faults import FaultCatalogue

    descriptions = list(FaultCatalogue().descriptions())
    if as_json:
        click.echo(json.dumps(descriptions, indent=2))
        return
    for fault in descriptions:
        click.echo(f"{fault['name']:<43} {fault['clause'] or '(network)':<22} {fault['summary']}")


@faults.command("prove")
@click.argument("globs", nargs=-1)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, metavar="N", help="At once.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Every N-th fault only.")
@click.option("--whole", is_flag=True, help="Run each check to its end rather than to the first broken clause.")
@click.option("--replay", is_flag=True, help="Run each proof's commands against the faulty and a lawful mock too.")
@click.option(
    "--report",
    "reports",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    multiple=True,
    metavar="PATH",
    help="Write the matrix and the lawful mocks' results to a .json, .md or .html file; repeatable.",
)
def prove_faults(
    globs: tuple[str, ...], workers: int, sample: int | None, whole: bool, replay: bool, reports: tuple[Path, ...]
) -> None:
    """Check the mock with each fault and report which are caught. Exit code 1 if one is missed.

    With --replay a proof counts only if its commands show the fault on the faulty mock and nothing on a lawful one;
    one that does not is exit code 1 too. With --report lawful mocks are checked first, of which none may fail a
    clause: the documented and the server dialect, and one whose lists lag. Ctrl-C writes what there is, exit code 2.

    \b
    Examples:
      adjourn faults prove
      adjourn faults prove 'reason-*' --whole
      adjourn faults prove --sample 20 --replay
      adjourn faults prove --report proof.html --report proof.json
    """
    from adjourn.proof_report import FORMATS, ProofReport, accused_text, write
    from adjourn.prove import LAWFUL_MOCKS, check_lawful, prove
    from adjourn_mock.faults import FAULTS

    if unknown := [path for path in reports if path.suffix not in FORMATS]:
        raise UsageProblem(f"--report {unknown[0]} has no known format; end it with {', '.join(FORMATS)}")
    for path in reports:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageProblem(f"--report {path}: its folder cannot be created: {error.strerror}") from None
    chosen = [f for f in FAULTS.values() if not globs or any(fnmatchcase(f.name, glob) for glob in globs)]
    chosen = chosen[:: sample or 1]
    if not chosen:
        raise UsageProblem("no fault has such a name; adjourn faults list has them")
    began = datetime.now(UTC)
    results: list[ProofResult] = []
    lawful: list[LawfulResult] = []
    try:
        for name in LAWFUL_MOCKS if reports else ():
            lawful.append(check_lawful(name))
            click.echo(f"lawful  {lawful[-1].seconds:5.1f} s  {name}: accused of {accused_text(lawful[-1])}")
        for caught in prove(chosen, workers=workers, fail_fast=not whole, replay=replay):
            results.append(caught)
            click.echo(_line_of(caught))
    except KeyboardInterrupt:
        click.echo(f"interrupted after {len(results)} of {len(chosen)} faults", err=True)
    report = ProofReport(results, lawful, len(chosen), began, version("adjourn"), replay)
    for path in reports:
        write(report, path)
    _conclude(report)


def _line_of(caught: ProofResult) -> str:
    verdict = "caught" if caught.is_caught else "MISSED"
    blamed = "" if caught.by_its_own_clause else f" by {', '.join(caught.blamed) or caught.error or 'nothing'}"
    line = f"{verdict}  {caught.seconds:5.1f} s  {caught.fault.name:<38} {caught.fault.clause}{blamed}"
    return f"{line}\nNOT REPLAYED    {caught.fault.name}: {caught.replay}" if caught.replay else line


def _conclude(report: ProofReport) -> NoReturn:
    """Print the numbers and end with the exit code."""
    numbers = report.summary
    caught, own, median = numbers["caught"], numbers["byOwnClause"], numbers["medianSeconds"] or 0
    click.echo(f"\n{caught} of {numbers['faults']} caught, {own} by their own clause; median {median:.1f} s")
    if report.replay:
        share = numbers["replayed"] / caught if caught else 0
        click.echo(f"{numbers['replayed']} of {caught} proofs replayed ({share:.1%})")
    if report.is_partial:
        sys.exit(2)
    is_proven = caught == numbers["faults"] and numbers["replayed"] in (None, caught)
    sys.exit(0 if is_proven and not numbers["lawfulAccused"] else 1)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def clauses(as_json: bool) -> None:
    """List the clauses of the contract.

    \b
    Example:
      adjourn clauses
    """
    listed = contract_of(None).clauses.values()
    if as_json:
        click.echo(
            json.dumps(
                [{"slug": c.slug, "statement": c.statement, "source": c.source, "level": c.level} for c in listed],
                indent=2,
            )
        )
    else:
        for clause in listed:
            click.echo(f"{clause.slug:<22} {clause.statement}")
