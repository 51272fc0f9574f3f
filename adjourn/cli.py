"""The command line: it reads options, calls the rooms and turns errors into one line and an exit code."""

from __future__ import annotations

import json
import sys

import click

from adjourn.check_command import check
from adjourn.contract_commands import clauses, faults
from adjourn.control_commands import clock, env, fault, journal
from adjourn.load import load
from adjourn.mock_command import mock
from adjourn.options import UsageProblem, assert_contract_tests, contract_of, spec_option, wants_colour
from adjourn.process_title import hide_secrets
from adjourn.run_command import run

__all__ = ["cli", "main"]


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
      adjourn run -- npm test       run a command beside a mock of its own
      adjourn journal --follow      print what a running mock is asked and answers
      adjourn spec show             print the OpenAPI document
      adjourn COMMAND --help        options and examples of a command

    \b
    Shell completion (bash; likewise zsh and fish):
      eval "$(_ADJOURN_COMPLETE=bash_source adjourn)"
    """


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


for command in (mock, run, check, load, env, journal, fault, clock, clauses, faults):
    cli.add_command(command)
