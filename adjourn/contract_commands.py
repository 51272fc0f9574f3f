"""The commands around the contract tests: clauses, faults."""

from __future__ import annotations

import json
import statistics
import sys
from fnmatch import fnmatchcase

import click

from adjourn.options import UsageProblem, contract_of

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
def prove_faults(globs: tuple[str, ...], workers: int, sample: int | None, whole: bool, replay: bool) -> None:
    """Check the mock with each fault and report which are caught. Exit code 1 if one is missed.

    With --replay a proof counts only if its commands show the fault on the faulty mock and nothing on a lawful one;
    one that does not is exit code 1 too.

    \b
    Examples:
      adjourn faults prove
      adjourn faults prove 'reason-*' --whole
      adjourn faults prove --sample 20 --replay
    """
    from adjourn.prove import prove
    from adjourn_mock.faults import FAULTS

    chosen = [f for f in FAULTS.values() if not globs or any(fnmatchcase(f.name, glob) for glob in globs)]
    chosen = chosen[:: sample or 1]
    if not chosen:
        raise UsageProblem("no fault has such a name; adjourn faults list has them")
    results = []
    for caught in prove(chosen, workers=workers, fail_fast=not whole, replay=replay):
        results.append(caught)
        verdict = "caught" if caught.is_caught else "MISSED"
        blamed = "" if caught.by_its_own_clause else f" by {', '.join(caught.blamed) or caught.error or 'nothing'}"
        click.echo(f"{verdict}  {caught.seconds:5.1f} s  {caught.fault.name:<38} {caught.fault.clause}{blamed}")
        if caught.replay:
            click.echo(f"NOT REPLAYED    {caught.fault.name}: {caught.replay}")
    found = [caught for caught in results if caught.is_caught]
    own = sum(caught.by_its_own_clause for caught in found)
    median = statistics.median(caught.seconds for caught in found) if found else 0
    click.echo(f"\n{len(found)} of {len(results)} caught, {own} by their own clause; median {median:.1f} s")
    shown = [caught for caught in found if caught.is_replayed]
    if replay:
        share = len(shown) / len(found) if found else 0
        click.echo(f"{len(shown)} of {len(found)} proofs replayed ({share:.1%})")
    sys.exit(0 if len(found) == len(results) and (not replay or len(shown) == len(found)) else 1)


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
