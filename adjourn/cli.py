"""The command line: it reads options, calls the rooms and turns errors into one line and an exit code."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import click

from adjourn.check_command import check
from adjourn.contract_commands import clauses, faults
from adjourn.load import load
from adjourn.options import UsageProblem, assert_contract_tests, contract_of, spec_option, wants_colour
from adjourn.process_title import hide_secrets

__all__ = ["cli", "main"]

F = TypeVar("F", bound=Callable[..., Any])


def main() -> None:
    """The entry point of the `adjourn` command."""
    hide_secrets(["adjourn", *sys.argv[1:]])
    cli(prog_name="adjourn")


def _version(context: click.Context, option: click.Parameter, value: bool) -> None:  # noqa: ARG001
    if value and not context.resilient_parsing:
        from adjourn import __version__

        click.echo(f"adjourn {__version__}")
        context.exit()


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


def _limit(name: str, default: int, text: str) -> Callable[[F], F]:
    return click.option(name, type=click.IntRange(min=1), default=default, show_default=True, metavar="N", help=text)


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
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Enable a fault or a network condition, such as latency=200ms; adjourn faults list has the names.",
)
@click.option(
    "--store",
    default="memory",
    show_default=True,
    metavar="STORE",
    help="Where the state lives: memory, sqlite:PATH or redis://HOST:PORT/DATABASE.",
)
@_limit("--max-sessions", 1_000_000, "How many memory keeps at most.")
@_limit("--max-megabytes", 2048, "How much of memory, or of SQLite's file, they may take.")
@_limit("--max-environments", 10_000, "How many the control API may make.")
@click.option(
    "--stub", "stubs", multiple=True, metavar="FILE", help="Answers to requests outside the Sessions API; repeatable."
)
@click.option("--passthrough", metavar="URL", help="Send requests outside the Sessions API to this server.")
@_limit("--max-connections", 1000, "How many each process may have open.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Processes; needs a store."
)
@click.option(
    "--control-token",
    envvar="ADJOURN_CONTROL_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="Let whoever has it use the control API; without one only this machine may.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show no line for each exchange.")
@click.option("--json", "as_json", is_flag=True, help="Say where it listens as one line of JSON, and nothing else.")
def mock(
    host: str,
    port: int,
    secret_keys: tuple[str, ...],
    spec: str | None,
    dialect: str,
    seed: str | None,
    id_seed: int | None,
    faults: tuple[str, ...],
    store: str,
    max_sessions: int,
    max_megabytes: int,
    max_environments: int,
    stubs: tuple[str, ...],
    passthrough: str | None,
    max_connections: int,
    workers: int,
    control_token: str | None,
    quiet: bool,
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
      adjourn mock --store sqlite:state.db
      adjourn mock --store redis://127.0.0.1:6379/0 --workers 2
    """
    from adjourn_mock import BindError, is_loopback, serve_workers

    is_token_made = control_token is None and not is_loopback(host)
    if is_token_made:
        control_token = secrets.token_urlsafe(24)

    if workers > 1 and store == "memory":
        raise UsageProblem("--workers needs a store that processes share: --store redis://... or sqlite:PATH")
    options: dict[str, Any] = {
        "spec": spec, "secret_keys": secret_keys, "dialect": dialect, "seed": seed, "id_seed": id_seed,
        "faults": faults, "control_token": control_token, "is_open_to_this_machine": is_token_made, "store": store,
        "max_sessions": max_sessions, "max_megabytes": max_megabytes, "max_environments": max_environments,
        "stubs": stubs, "passthrough": passthrough,
    }  # fmt: skip
    try:
        app = mock_app(**options)
    except ValueError as error:
        raise UsageProblem(str(error)) from None

    def ready(url: str) -> None:
        if as_json:
            environments = [{"name": each.name, "secretKey": each.secret_key} for each in app.environments]
            token = {"controlToken": control_token} if is_token_made else {}
            click.echo(json.dumps({"url": url, "environments": environments, **token}))
        else:
            click.echo(f"The mock of the Sessions API listens on {url} ({dialect} dialect).\n")
            click.echo(f"  export TRIGGER_API_URL={url}")
            first, *others = (each.shown_key for each in app.environments)
            # The keys that everybody has may be copied from here; a key that was given is not told.
            is_known = first == next(iter(app.environments)).secret_key
            click.echo(
                f"  export TRIGGER_SECRET_KEY={first}\n" if is_known else f"  with the key that you gave, {first}\n"
            )
            if others:
                click.echo(f"Other environments: {', '.join(others)}")
            if is_token_made:
                click.echo("Other machines need the control token for what follows (ADJOURN_CONTROL_TOKEN sets it):")
                click.echo(f"  export ADJOURN_CONTROL_TOKEN={control_token}\n")
            click.echo(f"Dashboard: {url}/_adjourn/   Reference: {url}/_adjourn/docs   Ctrl-C ends it.\n")
        sys.stdout.flush()

    where: dict[str, Any] = {"host": host, "port": port, "ready": ready, "max_connections": max_connections}
    try:
        if workers > 1:
            serve_workers(partial(mock_app, **options), workers=workers, **where)
        else:
            _serve_with_log(app, is_quiet=quiet or as_json, **where)
    except BindError as error:
        raise UsageProblem(str(error)) from None


def _serve_with_log(app: Any, *, is_quiet: bool, **where: Any) -> None:
    from adjourn_mock import LineWriter, live_log, serve

    if is_quiet:
        serve(app, **where)
        return
    writer = LineWriter(sys.stdout.fileno())
    try:
        serve(app, beside=partial(live_log, app.control, writer.write, colour=wants_colour()), **where)
    finally:
        writer.close()


def mock_app(*, spec: str | None, **options: Any) -> Any:
    """The mock that the options ask for; each worker makes one of its own."""
    from adjourn_mock import create_app

    return create_app(contract_of(spec), **options)


@cli.command()
@spec_option
def demo(spec: str | None) -> None:
    """Start the mock, run the contract tests against it over HTTP and print the verdict per clause.

    \b
    Example:
      adjourn demo
    """
    from adjourn_mock import MockServer

    assert_contract_tests()
    from adjourn_contract.check import CheckOptions
    from adjourn_contract.check import check as run_check
    from adjourn_contract.reports.console import render

    contract = contract_of(spec)
    with MockServer(contract=contract) as server:
        first, second, *_ = (environment.secret_key for environment in server.app.environments)
        click.echo(f"The mock listens on {server.url}; its contract is checked over HTTP.\n")
        options = CheckOptions(url=server.url, secret_key=first, other_secret_key=second, spec=spec)
        verdicts = run_check(contract, options)
        click.echo(render(verdicts, colour=wants_colour()))
    sys.exit(verdicts.exit_code)


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

    document = contract_of(spec).document
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
    contract = contract_of(file)
    checked = "all that adjourn needs is there"
    try:
        from openapi_spec_validator import OpenAPIV31SpecValidator
    except ImportError:
        checked += " (for the rest of OpenAPI: pip install 'adjourn[contract]')"
    else:
        error = next(iter(OpenAPIV31SpecValidator(contract.document).iter_errors()), None)
        if error is not None:
            place = ".".join(str(part) for part in getattr(error, "absolute_path", ()))
            raise UsageProblem(f"{contract.file}: {place + ': ' if place else ''}{str(error).splitlines()[0]}")
        checked = f"OpenAPI 3.1, and {checked}"
    count = len(contract.operations)
    click.echo(f"{contract.file}: {checked}; {count} operations, {len(contract.clauses)} clauses")


cli.add_command(check)
cli.add_command(clauses)
cli.add_command(faults)
cli.add_command(load)
