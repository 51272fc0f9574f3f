"""`adjourn check`: options and settings, the reports, the exit code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from adjourn.completion import complete_clauses
from adjourn.options import (
    COULD_NOT,
    UsageProblem,
    assert_contract_tests,
    assert_no_doubled_path,
    checked_url,
    contract_of,
    spec_option,
    wants_colour,
)
from adjourn.settings import SETTINGS_FILES, settings_option
from adjourn_spec import Contract

if TYPE_CHECKING:
    from adjourn_contract.options import CheckOptions
    from adjourn_contract.reports.formats import ReportFile
    from adjourn_contract.reports.verdicts import Verdicts

__all__ = ["check"]

# Options of the command line that are not options of the check itself.
_OF_THE_COMMAND = ("as_json", "reports", "write_tests", "yes")
_SUMMARY_BYTES = 1024 * 1024 - 1


_OPTIONS = (
    settings_option(),
    click.argument("url", required=False, envvar="TRIGGER_API_URL"),
    click.option(
        "--secret-key", envvar="TRIGGER_SECRET_KEY", show_envvar=True, metavar="KEY", help="The server's secret key."
    ),
    click.option(
        "--other-secret-key",
        envvar="ADJOURN_OTHER_SECRET_KEY",
        show_envvar=True,
        metavar="KEY",
        help="A secret key of another environment.",
    ),
    click.option(
        "--clause",
        multiple=True,
        metavar="GLOB",
        shell_complete=complete_clauses,
        help="Only clauses that match; repeatable.",
    ),
    click.option("--dialect", type=click.Choice(["documented", "server"]), help="Require a dialect in the grey zones."),
    click.option(
        "--profile",
        type=click.Choice(["smoke", "standard", "thorough"]),
        default="standard",
        show_default=True,
        help="How much is tried: the most revealing cases of the clauses, all cases, or more of them.",
    ),
    click.option("--fail-fast", is_flag=True, help="Stop at the first failed clause."),
    click.option(
        "--accept",
        multiple=True,
        metavar="GLOB",
        shell_complete=complete_clauses,
        help="Clauses that may fail; repeatable.",
    ),
    click.option("--allow-incomplete", is_flag=True, help="Exit with 0 although a clause could not be checked."),
    click.option("--rate", metavar="N/s", help="Upper limit of requests a second."),
    click.option(
        "--time-budget", type=click.FloatRange(min=1), metavar="S", help="Upper limit of seconds for the whole check."
    ),
    click.option("--seed", type=click.IntRange(min=0), metavar="N", help="The same seed sends the same requests."),
    click.option(
        "--session-pool",
        type=click.Path(),
        metavar="FILE",
        help="Open sessions for a server without create: a YAML or JSON list of {id, externalId}.",
    ),
    click.option(
        "--header",
        multiple=True,
        metavar="NAME:VALUE",
        help="Add a header to every request; repeatable. ADJOURN_HEADERS: one a line.",
    ),
    click.option(
        "--list-lag",
        type=click.FloatRange(min=0),
        metavar="S",
        help="How many seconds a list may lag behind a write; 3 by default.",
    ),
    click.option(
        "--depth",
        type=click.IntRange(1, 8),
        metavar="N",
        help="Try every sequence of N operations; 3 in standard, 4 in thorough.",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(1, 64),
        metavar="N",
        help="Scenarios that run at once; by the server's latency by default.",
    ),
    click.option(
        "--max-requests",
        type=click.IntRange(min=1),
        metavar="N",
        help="Send at most N requests, those that close the sessions included.",
    ),
    click.option("--task", metavar="ID", help="taskIdentifier of the sessions that are created."),
    click.option("--region", metavar="NAME", help="A region of the account; sessions in it are checked too."),
    click.option("--lock-to-version", metavar="V", help="A version in the account; sessions of it are checked too."),
    click.option("--yes", is_flag=True, help="Check a production environment on another machine."),
    click.option("--no-proxy", is_flag=True, help="Ignore HTTP_PROXY, HTTPS_PROXY and ALL_PROXY."),
    click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Processes."),
    click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    click.option(
        "--report",
        "reports",
        multiple=True,
        metavar="[FORMAT:]FILE",
        help="Write a report: json, junit (.xml), sarif, md or html; repeatable.",
    ),
    click.option(
        "--write-tests",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Write each failure as a shell script and a pytest file that check it again.",
    ),
    spec_option,
)


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_with_options
@click.pass_context
def check(context: click.Context, /, **values: Any) -> None:
    """Check which clauses of the contract a server satisfies.

    Exit code 0: nothing failed, and all that was asked for was checked; 1: a clause failed, or an accepted one
    passes; 2: a clause could not be checked. Only sessions that the check creates itself are touched, and they are
    closed at the end. Without URL, TRIGGER_API_URL is checked.

    \b
    Examples:
      adjourn check http://127.0.0.1:3031 --secret-key tr_dev_adjourn --other-secret-key tr_stg_adjourn
      adjourn check https://staging.example --secret-key $KEY --rate 20/s --profile smoke
      adjourn check $URL --secret-key $KEY --clause 'id.*' --clause body.limit --fail-fast
      adjourn check $URL --secret-key $KEY --report result.json --report junit:reports/contract.xml
      adjourn check $URL --secret-key $KEY --write-tests contract-failures
    """
    assert_contract_tests()
    from adjourn_contract.check import check as run_check
    from adjourn_contract.reports.console import render
    from adjourn_contract.reports.formats import ReportError, ReportFile
    from adjourn_contract.reports.json_report import json_report

    contract = contract_of(values["spec"])
    options = _check_options(contract, values)
    try:
        reports = [ReportFile.parse(text) for text in values["reports"]]
        for report in reports:
            report.prepare()
        if values["write_tests"] is not None:
            values["write_tests"].mkdir(parents=True, exist_ok=True)
    except (ReportError, OSError) as error:
        raise UsageProblem(str(error)) from None
    verdicts = run_check(contract, options)
    verdicts.facts = replace(verdicts.facts, accept_place=_accept_place(context), location=_location())
    # The verdict is printed first, whatever happens to the reports.
    click.echo(json_report(verdicts) if values["as_json"] else render(verdicts, colour=wants_colour()))
    problems = [
        *_write_reports(verdicts, reports),
        *_write_tests(verdicts, values["write_tests"]),
        *_write_to_github(verdicts, annotate=not values["as_json"]),
    ]
    for problem in problems:
        click.echo(f"adjourn: {problem}", err=True)
    sys.exit(verdicts.exit_code or (COULD_NOT if problems else 0))


def _write_tests(verdicts: Verdicts, folder: Path | None) -> Iterator[str]:
    """Write the failures as tests; what went wrong is returned."""
    from adjourn_contract.reports.written_tests import write_tests

    if folder is not None:
        try:
            write_tests(folder, verdicts)
        except OSError as error:
            yield f"--write-tests {folder}: {error.strerror or error}"


def _write_reports(verdicts: Verdicts, reports: Sequence[ReportFile]) -> Iterator[str]:
    """Write every report that can be written; what went wrong with the others."""
    from adjourn_contract.reports.formats import ReportError

    for report in reports:
        try:
            report.write(verdicts)
        except ReportError as error:
            yield str(error)


def _write_to_github(verdicts: Verdicts, *, annotate: bool) -> Iterator[str]:
    """Annotations and the summary of the run, where GitHub runs this; what went wrong with the summary."""
    from adjourn_contract.reports.markdown import markdown_report

    if os.environ.get("GITHUB_ACTIONS") and annotate:
        for line in _github_lines(verdicts):
            click.echo(line)
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        # GitHub refuses a summary of more than a mebibyte.
        text = markdown_report(verdicts).encode()[:_SUMMARY_BYTES].decode(errors="ignore")
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            yield f"GITHUB_STEP_SUMMARY {path} cannot be written: {error.strerror}"


def _check_options(contract: Contract, values: dict[str, Any]) -> CheckOptions:
    """The options of the check, each of which can be right.

    Raises:
        UsageProblem: one is missing or wrong.
    """
    from adjourn_contract.options import CheckOptions

    url = checked_url(values["url"])
    assert_no_doubled_path(url, contract)
    if not values["secret_key"]:
        raise UsageProblem("give the server's secret key, with --secret-key or in TRIGGER_SECRET_KEY")
    for glob in (*values["clause"], *values["accept"]):
        if not any(fnmatchcase(slug, glob) for slug in contract.clauses):
            raise UsageProblem(f"no clause matches {glob!r}; adjourn clauses lists them")
    given = {name: value for name, value in values.items() if name not in _OF_THE_COMMAND}
    options = CheckOptions(**{**given, "rate": _rate(values["rate"]), "header": _headers(values["header"])})
    _assert_meant(contract, options, is_confirmed=values["yes"])
    return options


def _headers(given: tuple[str, ...]) -> tuple[str, ...]:
    """The headers of the options and of ADJOURN_HEADERS, which has one a line."""
    from adjourn_contract.transport.route import parse_header

    lines = [line for line in os.environ.get("ADJOURN_HEADERS", "").splitlines() if line.strip()]
    for line in (*lines, *given):
        try:
            parse_header(line)
        except ValueError as error:
            raise UsageProblem(f"--header: {error}") from None
    return (*lines, *given)


def _assert_meant(contract: Contract, options: CheckOptions, *, is_confirmed: bool) -> None:
    """On a server elsewhere, print how many sessions will be created; a production key needs `--yes`.

    Raises:
        UsageProblem: a production key is given without it.
    """
    from adjourn_contract.engine.run import PROFILES
    from adjourn_contract.transport.route import is_local

    if is_local(urlsplit(options.url).hostname or ""):
        return
    sessions = PROFILES[options.profile].sessions
    count = f"up to about {sessions} sessions" if not options.clause else f"fewer than {sessions} sessions"
    click.echo(
        f"The {options.profile} profile creates {count} on {options.url} and closes them; each may start a run.",
        err=True,
    )
    keys = (options.secret_key, options.other_secret_key or "")
    if any(key.startswith(contract.key_prefixes["prod"]) for key in keys) and not is_confirmed:
        raise UsageProblem("this is the key of a production environment; --yes confirms that it is meant")


def _accept_place(context: click.Context) -> str:
    """Where `accept` was set, for a reader who has to remove an entry."""
    is_setting = context.get_parameter_source("accept") is ParameterSource.DEFAULT_MAP
    return str(context.meta["adjourn.settings"]) if is_setting else "--accept"


def _location() -> str:
    """The file at which code scanning shows a failure: it takes files of the repository alone."""
    return next((name for name in SETTINGS_FILES if Path(name).exists()), SETTINGS_FILES[0])


def _rate(text: str | None) -> float | None:
    """`20/s`, `20` or `600/m` as requests a second."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/(s|m))?", text)
    if found is None or float(found[1]) <= 0:
        raise UsageProblem(f"--rate {text!r} is not a number of requests, such as 20/s or 600/m")
    return float(found[1]) / (60 if found[2] == "m" else 1)


def _github_lines(verdicts: Verdicts) -> Iterator[str]:
    """An annotation for each failed clause, which GitHub shows beside the run."""
    for verdict in verdicts.failed:
        if verdict.proof is not None:
            text = f"expected {verdict.proof.expected}, got {verdict.proof.got}"
            text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
            yield f"::error title={verdict.clause}::{text}"
