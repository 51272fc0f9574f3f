"""The command line: it reads options, calls the rooms and turns errors into one line and an exit code."""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import click
from adjourn_spec import Contract, DocumentError, load_contract

__all__ = ["cli", "main"]

COULD_NOT = 2


class Trouble(click.ClickException):
    """Something the user can put right: one line on standard error, exit code 2."""

    exit_code = COULD_NOT

    def show(self, file: Any = None) -> None:  # noqa: ARG002
        click.echo(f"adjourn: {self.message}", err=True)


def main() -> None:
    """The entry point of the `adjourn` command."""
    cli(prog_name="adjourn")


def _contract(path: str | None) -> Contract:
    try:
        return load_contract(path)
    except DocumentError as error:
        raise Trouble(str(error)) from None


def _version(context: click.Context, option: click.Parameter, value: bool) -> None:  # noqa: ARG001
    if value and not context.resilient_parsing:
        from adjourn import __version__

        click.echo(f"adjourn {__version__}")
        context.exit()


def spec_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--spec FILE` for every command that needs the contract."""
    return click.option("--spec", metavar="FILE", help="Another OpenAPI document with the same operations.")(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Show the version.")
def cli() -> None:
    """A stateful mock server and contract tests for the Trigger.dev Sessions API.

    \b
    Examples:
      adjourn demo                  see it work, in a few seconds
      adjourn mock                  serve the mock on http://127.0.0.1:3031
      adjourn spec show             print the OpenAPI document
      adjourn COMMAND --help        options and examples of a command

    \b
    Shell completion (bash; likewise zsh and fish):
      eval "$(_ADJOURN_COMPLETE=bash_source adjourn)"
    """


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=3031, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@click.option("--secret-key", "secret_keys", multiple=True, metavar="KEY", help="One environment each; repeatable.")
@spec_option
@click.option(
    "--dialect",
    default="documented",
    show_default=True,
    type=click.Choice(["documented", "server"]),
    help="How to answer where the sources disagree.",
)
@click.option("--seed", metavar="FILE", help="Sessions that are there from the start, YAML or JSON.")
@click.option("--id-seed", type=int, metavar="N", help="Make the ids the same on every run.")
@click.option("--fault", "faults", multiple=True, metavar="NAME", help="Break a clause; adjourn faults list has the names.")
@click.option("--json", "as_json", is_flag=True, help="Say where it listens as one line of JSON.")
def mock(
    host: str,
    port: int,
    secret_keys: tuple[str, ...],
    spec: str | None,
    dialect: str,
    seed: str | None,
    id_seed: int | None,
    faults: tuple[str, ...],
    as_json: bool,
) -> None:
    """Serve the mock until SIGINT or SIGTERM.

    Without --secret-key there are three environments: tr_dev_adjourn,
    tr_stg_adjourn and tr_prod_adjourn.

    \b
    Examples:
      adjourn mock
      adjourn mock --port 0 --json
      adjourn mock --secret-key tr_dev_mine --seed sessions.yaml
      adjourn mock --dialect server
      adjourn mock --fault reason-trimmed
    """
    from adjourn_mock import BindError, create_app, serve

    contract = _contract(spec)
    try:
        app = create_app(contract, secret_keys=secret_keys, dialect=dialect, seed=seed, id_seed=id_seed, faults=faults)
    except ValueError as error:
        raise Trouble(str(error)) from None

    def ready(url: str) -> None:
        if as_json:
            environments = [{"name": each.name, "secretKey": each.secret_key} for each in app.environments]
            click.echo(json.dumps({"url": url, "environments": environments}))
        else:
            click.echo(f"The mock of the Sessions API listens on {url} ({dialect} dialect).\n")
            click.echo(f"  export TRIGGER_API_URL={url}")
            click.echo(f"  export TRIGGER_SECRET_KEY={next(iter(app.environments)).secret_key}\n")
            others = [each.secret_key for each in app.environments][1:]
            if others:
                click.echo(f"Other environments: {', '.join(others)}")
            click.echo("Ctrl-C ends it.")
        sys.stdout.flush()

    try:
        serve(app, host=host, port=port, ready=ready)
    except BindError as error:
        raise Trouble(str(error)) from None


@cli.command()
@spec_option
def demo(spec: str | None) -> None:
    """Start the mock and live the life of a session over HTTP, every answer held to the document.

    \b
    Example:
      adjourn demo
    """
    from adjourn.demo import DemoError, run

    try:
        run(_contract(spec), click.echo)
    except DemoError as error:
        click.echo(f"adjourn: {error}", err=True)
        sys.exit(1)


@cli.command()
@click.argument("url", required=False, envvar="TRIGGER_API_URL")
@click.option("--secret-key", envvar="TRIGGER_SECRET_KEY", metavar="KEY", help="The server's secret key.")
@click.option("--other-secret-key", envvar="ADJOURN_OTHER_SECRET_KEY", metavar="KEY", help="One of another environment.")
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
@click.option("--report", "reports", multiple=True, metavar="FILE", help="Write a report: .json, .xml (JUnit), .md; repeatable.")
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

    Exit code 0: the contract is kept; 1: a clause is broken; 2: it could not be checked.
    Only sessions that the check makes itself are touched, and they are closed in the end.

    \b
    Examples:
      adjourn check http://127.0.0.1:3031 --secret-key tr_dev_adjourn --other-secret-key tr_stg_adjourn
      adjourn check https://staging.example --secret-key $KEY --rate 20/s --profile smoke
      adjourn check $URL --secret-key $KEY --clause 'id.*' --clause body.limit --fail-fast
      adjourn check $URL --secret-key $KEY --report result.json --report junit.xml
    """
    try:
        from adjourn_contract.reports import ReportError, as_json_text, write_report

        from adjourn.check import check as run_check
        from adjourn.check import tell
    except ImportError as error:
        raise Trouble(f"the contract tests need more ({error.name}): pip install 'adjourn[contract]'") from None
    contract = _contract(spec)
    _hold_options(contract, url, secret_key, clauses, accept)
    options = {
        "url": url, "secret-key": secret_key, "other-secret-key": other_secret_key, "clause": clauses, "dialect": dialect,
        "profile": profile, "rate": _rate(rate), "time-budget": time_budget, "seed": seed, "session-pool": session_pool, "spec": spec,
    }  # fmt: skip
    began = time.monotonic()
    verdicts = run_check(contract, options, fail_fast=fail_fast, workers=workers, accepted=accept)
    seconds = time.monotonic() - began
    for path in reports:
        try:
            write_report(path, verdicts, url=url or "", seconds=seconds)
        except (OSError, ReportError) as error:
            raise Trouble(f"{path}: {error}") from None
    if as_json:
        click.echo(as_json_text(verdicts, url=url or "", seconds=seconds))
    else:
        click.echo(tell(verdicts, url=url or "", seconds=seconds, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    sys.exit(verdicts.exit_code)


def _hold_options(
    contract: Contract, url: str | None, secret_key: str | None, clauses: tuple[str, ...], accept: tuple[str, ...]
) -> None:
    if not url:
        raise Trouble("give the server's URL, as the argument or in TRIGGER_API_URL")
    if not url.startswith(("http://", "https://")):
        raise Trouble(f"{url!r} is not an http or https URL")
    if not secret_key:
        raise Trouble("give the server's secret key, with --secret-key or in TRIGGER_SECRET_KEY")
    for glob in (*clauses, *accept):
        if not any(fnmatchcase(slug, glob) for slug in contract.clauses):
            raise Trouble(f"no clause is like {glob!r}; adjourn clauses lists them")


def _rate(text: str | None) -> float | None:
    """`20/s`, `20` or `600/m` as requests a second."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/(s|m))?", text)
    if found is None or float(found[1]) <= 0:
        raise Trouble(f"--rate {text!r} is not a number of requests, as 20/s")
    return float(found[1]) / (60 if found[2] == "m" else 1)


@cli.group()
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
    from adjourn_mock.faults import FAULTS

    from adjourn.prove import prove

    chosen = [f for f in FAULTS.values() if not globs or any(fnmatchcase(f.name, glob) for glob in globs)]
    chosen = chosen[:: sample or 1]
    if not chosen:
        raise Trouble("no fault has such a name; adjourn faults list has them")
    results = []
    for caught in prove(chosen, workers=workers, fail_fast=not whole):
        results.append(caught)
        verdict = "caught" if caught.is_caught else "MISSED"
        blamed = "" if caught.by_its_own_clause else f" by {', '.join(caught.blamed) or caught.trouble or 'nothing'}"
        click.echo(f"{verdict}  {caught.seconds:5.1f} s  {caught.fault.name:<38} {caught.fault.clause}{blamed}")
    found = [caught for caught in results if caught.is_caught]
    own = sum(caught.by_its_own_clause for caught in found)
    median = statistics.median(caught.seconds for caught in found) if found else 0
    click.echo(f"\n{len(found)} of {len(results)} caught, {own} by their own clause; median {median:.1f} s")
    sys.exit(0 if len(found) == len(results) else 1)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def clauses(as_json: bool) -> None:
    """List the clauses of the contract.

    \b
    Example:
      adjourn clauses
    """
    listed = _contract(None).clauses.values()
    if as_json:
        click.echo(json.dumps([{"slug": c.slug, "statement": c.statement, "source": c.source, "level": c.level} for c in listed], indent=2))
    else:
        for clause in listed:
            click.echo(f"{clause.slug:<22} {clause.statement}")


@cli.group()
def spec() -> None:
    """Look at the contract: the OpenAPI document that drives everything."""


@spec.command()
@spec_option
@click.option("--json", "as_json", is_flag=True, help="As JSON instead of YAML.")
def show(spec: str | None, as_json: bool) -> None:
    """Print the document as it is in force.

    \b
    Examples:
      adjourn spec show > openapi.yaml
      adjourn spec show --json | jq .paths
    """
    from adjourn_mock.app import as_yaml

    document = _contract(spec).document
    click.echo(json.dumps(document, indent=2, ensure_ascii=False) if as_json else as_yaml(document), nl=as_json)


@spec.command()
@click.argument("file", required=False)
def validate(file: str | None) -> None:
    """Check a document: OpenAPI 3.1, and all that the mock and the tests need of it.

    \b
    Examples:
      adjourn spec validate
      adjourn spec validate mine.yaml
    """
    contract = _contract(file)
    checked = "all that adjourn needs is there"
    try:
        from openapi_spec_validator import OpenAPIV31SpecValidator
    except ImportError:
        checked += " (for the rest of OpenAPI: pip install 'adjourn[contract]')"
    else:
        error = next(iter(OpenAPIV31SpecValidator(contract.document).iter_errors()), None)
        if error is not None:
            place = ".".join(str(part) for part in getattr(error, "absolute_path", ()))
            raise Trouble(f"{contract.file}: {place + ': ' if place else ''}{str(error).splitlines()[0]}")
        checked = f"OpenAPI 3.1, and {checked}"
    count = len(contract.operations)
    click.echo(f"{contract.file}: {checked}; {count} operations, {len(contract.clauses)} clauses")
