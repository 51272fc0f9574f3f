"""The commands around the contract tests: check, clauses, faults."""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import time
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from adjourn.options import UsageProblem, contract_of, contract_tests, spec_option, wants_colour
from adjourn_spec import Contract

__all__ = ["check", "clauses", "faults"]


def _settings(context: click.Context, option: click.Parameter, value: str | None) -> str | None:  # noqa: ARG001
    """Defaults for `check` from `adjourn.toml` or `[tool.adjourn]` in `pyproject.toml`."""
    path = Path(value or ("adjourn.toml" if Path("adjourn.toml").exists() else "pyproject.toml"))
    if not path.exists():
        if value is not None:
            raise UsageProblem(f"{path}: No such file or directory")
        return None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageProblem(f"{path}: {error}") from None
    if path.name == "pyproject.toml":
        table = table.get("tool", {}).get("adjourn", {})
    names = {parameter.opts[0].lstrip("-"): parameter.name for parameter in context.command.params}
    known = sorted(set(names) - {"config", "json"})
    for name, setting in table.items():
        if name not in known:
            raise UsageProblem(f"{path}: there is no setting {name!r}; there are {', '.join(known)}")
        context.default_map = {**(context.default_map or {}), str(names[name]): setting}
    return value


def github_lines(verdicts: Any) -> Iterator[str]:
    """A line for each broken clause that GitHub shows beside the run."""
    for verdict in verdicts.failed:
        text = f"expected {verdict.proof.expected}, got {verdict.proof.got}"
        text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        yield f"::error title={verdict.clause}::{text}"


@click.command()
@click.option(
    "--config",
    is_eager=True,
    expose_value=False,
    callback=_settings,
    metavar="FILE",
    help="Settings; adjourn.toml or [tool.adjourn] in pyproject.toml by default.",
)
@click.argument("url", required=False, envvar="TRIGGER_API_URL")
@click.option(
    "--secret-key", envvar="TRIGGER_SECRET_KEY", show_envvar=True, metavar="KEY", help="The server's secret key."
)
@click.option(
    "--other-secret-key",
    envvar="ADJOURN_OTHER_SECRET_KEY",
    show_envvar=True,
    metavar="KEY",
    help="One of another environment.",
)
@click.option("--clause", "clauses", multiple=True, metavar="GLOB", help="Only clauses like this; repeatable.")
@click.option("--dialect", type=click.Choice(["documented", "server"]), help="Hold the grey zones to a dialect.")
@click.option("--profile", type=click.Choice(["smoke", "standard", "thorough"]), default="standard", show_default=True)
@click.option("--fail-fast", is_flag=True, help="Stop at the first broken clause.")
@click.option("--accept", multiple=True, metavar="SLUG", help="A clause that may be broken; repeatable.")
@click.option("--rate", metavar="N/s", help="The most requests a second.")
@click.option("--time-budget", type=click.FloatRange(min=1), metavar="S", help="The most seconds it may take.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="The same seed sends the same requests.")
@click.option("--session-pool", metavar="FILE", help="Sessions made beforehand, where the server has no create.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Processes.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FILE",
    help="Write a report: .json, .xml (JUnit), .sarif, .md, .html; repeatable.",
)
@spec_option
def check(
    url: str | None,
    secret_key: str | None,
    other_secret_key: str | None,
    clauses: tuple[str, ...],
    dialect: str | None,
    profile: str,
    fail_fast: bool,
    accept: tuple[str, ...],
    rate: str | None,
    time_budget: float | None,
    seed: int | None,
    session_pool: str | None,
    workers: int,
    as_json: bool,
    reports: tuple[str, ...],
    spec: str | None,
) -> None:
    """Check which clauses of the contract a server keeps.

    Exit code 0: every clause passed; 1: a clause failed; 2: it could not be checked.
    Only sessions that the check makes itself are touched, and they are closed in the end.
    Without URL, TRIGGER_API_URL is checked.

    \b
    Examples:
      adjourn check http://127.0.0.1:3031 --secret-key tr_dev_adjourn --other-secret-key tr_stg_adjourn
      adjourn check https://staging.example --secret-key $KEY --rate 20/s --profile smoke
      adjourn check $URL --secret-key $KEY --clause 'id.*' --clause body.limit --fail-fast
      adjourn check $URL --secret-key $KEY --report result.json --report junit.xml
    """
    from adjourn_contract.reports.formats import ReportError, as_json_text, write_report

    run_check, render = contract_tests()
    contract = contract_of(spec)
    _assert_options(contract, url, secret_key, clauses, accept)
    options = {
        "url": url, "secret-key": secret_key, "other-secret-key": other_secret_key, "clause": clauses,
        "dialect": dialect, "profile": profile, "rate": _rate(rate), "time-budget": time_budget, "seed": seed,
        "session-pool": session_pool, "spec": spec,
    }  # fmt: skip
    began = time.monotonic()
    verdicts = run_check(contract, options, fail_fast=fail_fast, workers=workers, accepted=accept)
    seconds = time.monotonic() - began
    for path in reports:
        try:
            write_report(path, verdicts, url=url or "", seconds=seconds)
        except (OSError, ReportError) as error:
            raise UsageProblem(f"{path}: {error}") from None
    if as_json:
        click.echo(as_json_text(verdicts, url=url or "", seconds=seconds))
    else:
        click.echo(render(verdicts, url=url or "", seconds=seconds, colour=wants_colour()))
        if os.environ.get("GITHUB_ACTIONS"):
            for line in github_lines(verdicts):
                click.echo(line)
    sys.exit(verdicts.exit_code)


def _assert_options(
    contract: Contract, url: str | None, secret_key: str | None, clauses: tuple[str, ...], accept: tuple[str, ...]
) -> None:
    if not url:
        raise UsageProblem("give the server's URL, as the argument or in TRIGGER_API_URL")
    if not url.startswith(("http://", "https://")):
        raise UsageProblem(f"{url!r} is not an http or https URL")
    if not secret_key:
        raise UsageProblem("give the server's secret key, with --secret-key or in TRIGGER_SECRET_KEY")
    for glob in (*clauses, *accept):
        if not any(fnmatchcase(slug, glob) for slug in contract.clauses):
            raise UsageProblem(f"no clause is like {glob!r}; adjourn clauses lists them")


def _rate(text: str | None) -> float | None:
    """`20/s`, `20` or `600/m` as requests a second."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/(s|m))?", text)
    if found is None or float(found[1]) <= 0:
        raise UsageProblem(f"--rate {text!r} is not a number of requests, as 20/s")
    return float(found[1]) / (60 if found[2] == "m" else 1)


@click.group()
def faults() -> None:
    """Faults of the mock: each breaks one clause, to try clients and to prove the contract tests."""


@faults.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_faults(as_json: bool) -> None:
    """List the faults: name, clause, what goes wrong.

    \b
    Example:
      adjourn faults list
    """
    from adjourn_mock.faults import FAULTS

    if as_json:
        listed = [{"name": f.name, "clause": f.clause, "summary": f.summary} for f in FAULTS.values()]
        click.echo(json.dumps(listed, indent=2))
        return
    for fault in FAULTS.values():
        click.echo(f"{fault.name:<38} {fault.clause:<22} {fault.summary}")


@faults.command("prove")
@click.argument("globs", nargs=-1)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, metavar="N", help="At once.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Every N-th fault only.")
@click.option("--whole", is_flag=True, help="Run each check to its end rather than to the first broken clause.")
def prove_faults(globs: tuple[str, ...], workers: int, sample: int | None, whole: bool) -> None:
    """Check the mock with each fault and tell which are caught. Exit code 1 if one is missed.

    \b
    Examples:
      adjourn faults prove
      adjourn faults prove 'reason-*' --whole
    """
    from adjourn.prove import prove
    from adjourn_mock.faults import FAULTS

    chosen = [f for f in FAULTS.values() if not globs or any(fnmatchcase(f.name, glob) for glob in globs)]
    chosen = chosen[:: sample or 1]
    if not chosen:
        raise UsageProblem("no fault has such a name; adjourn faults list has them")
    results = []
    for caught in prove(chosen, workers=workers, fail_fast=not whole):
        results.append(caught)
        verdict = "caught" if caught.is_caught else "MISSED"
        blamed = "" if caught.by_its_own_clause else f" by {', '.join(caught.blamed) or caught.error or 'nothing'}"
        click.echo(f"{verdict}  {caught.seconds:5.1f} s  {caught.fault.name:<38} {caught.fault.clause}{blamed}")
    found = [caught for caught in results if caught.is_caught]
    own = sum(caught.by_its_own_clause for caught in found)
    median = statistics.median(caught.seconds for caught in found) if found else 0
    click.echo(f"\n{len(found)} of {len(results)} caught, {own} by their own clause; median {median:.1f} s")
    sys.exit(0 if len(found) == len(results) else 1)


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
