"""The commands for a mock that runs: env, journal, fault, clock; clients of its control API."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from adjourn.completion import complete_clauses, complete_environments, complete_faults, complete_operations
from adjourn.options import UsageProblem, wants_colour

if TYPE_CHECKING:
    from adjourn_fixtures import ControlClient

__all__ = ["clock", "env", "fault", "journal"]

_DEFAULT_URL = "http://127.0.0.1:3031"
_FOLLOW_SECONDS = 20
_POLL_SECONDS = 0.5
_LIMIT = 1000


def _as_client(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--url` and `--token`, and the client of the control API as its first argument."""

    @click.option(
        "--url", envvar="ADJOURN_URL", show_envvar=True, default=_DEFAULT_URL, show_default=True, help="Of the mock."
    )
    @click.option("--token", envvar="ADJOURN_CONTROL_TOKEN", show_envvar=True, help="The control token, if it has one.")
    @functools.wraps(command)
    def with_client(url: str, token: str | None, **values: Any) -> None:
        from adjourn_fixtures import ControlClient, ControlError

        try:
            with ControlClient(url, token) as client:
                command(client, **values)
        except ControlError as error:
            raise UsageProblem(str(error)) from None
        except KeyboardInterrupt:
            raise click.Abort from None

    return with_client


_of_environment = click.option(
    "--env", "environment", metavar="NAME", shell_complete=complete_environments, help="By default the first one."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _environment(client: ControlClient, name: str | None) -> str:
    if name is not None:
        return name
    listed = client.call("GET", "environments", query={"limit": 1})["environments"]
    if not listed:
        raise UsageProblem("the mock has no environment; adjourn env create makes one")
    return str(listed[0]["id"])


@click.group()
def env() -> None:
    """Environments of a mock that runs: a secret key each, with its own sessions, journal, faults and clock."""


@env.command("create")
@click.argument("name", required=False)
@click.option("--kind", type=click.Choice(["dev", "stg", "prod", "preview"]), help="What the key starts with.")
@click.option("--dialect", type=click.Choice(["documented", "server"]), help="The mock's by default.")
@click.option("--id-seed", type=int, metavar="N", help="Make the ids the same on every run.")
@click.option("--clock", metavar="TIME", help="Freeze its clock at this moment, RFC 3339.")
@click.option("--seed", type=click.Path(), metavar="FILE", help="Sessions to load, YAML or JSON.")
@_as_json
@_as_client
def create(client: ControlClient, name: str | None, as_json: bool, seed: str | None, **options: Any) -> None:
    """Create an environment and print the variables of its clients.

    \b
    Examples:
      adjourn env create mine
      eval "$(adjourn env create)"
    """
    from adjourn_spec import DocumentError, read_document

    names = {"id_seed": "idSeed"}
    body = {names.get(each, each): value for each, value in {"name": name, **options}.items() if value is not None}
    if seed is not None:
        try:
            body["seed"] = read_document(seed)
        except DocumentError as error:
            raise UsageProblem(str(error)) from None
    made = client.call("POST", "environments", body=body)
    if as_json:
        click.echo(json.dumps(made, indent=2))
        return
    for variable, value in made["environ"].items():
        click.echo(f"export {variable}={value}")


@env.command("list")
@_as_json
@_as_client
def list_environments(client: ControlClient, as_json: bool) -> None:
    """List the environments.

    \b
    Example:
      adjourn env list
    """
    listed = client.call("GET", "environments", query={"limit": _LIMIT})["environments"]
    if as_json:
        click.echo(json.dumps(listed, indent=2))
        return
    click.echo(f"{'name':<20} {'key':<12} {'dialect':<11} {'sessions':>8} {'exchanges':>9} {'faults':>6}  clock")
    for each in listed:
        counts = f"{each['sessions']:>8} {each['exchanges']:>9} {each['faults']:>6}"
        clock_text = each["clock"]["now"] + (" (frozen)" if each["clock"]["frozen"] else "")
        click.echo(f"{each['name']:<20} {each['secretKey']:<12} {each['dialect']:<11} {counts}  {clock_text}")


@env.command("delete")
@click.argument("name", shell_complete=complete_environments)
@_as_client
def delete(client: ControlClient, name: str) -> None:
    """Delete an environment with all that belongs to it.

    \b
    Example:
      adjourn env delete mine
    """
    client.call("DELETE", "environments", name)


@click.command()
@_of_environment
@click.option("--follow", "-f", is_flag=True, help="Go on with new exchanges until Ctrl-C.")
@click.option("--operation", metavar="NAME", shell_complete=complete_operations, help="Only this operation.")
@click.option("--status", metavar="STATUS", help="Only this status or class of statuses, such as 404 or 4xx.")
@click.option("--session", metavar="KEY", help="Only exchanges about this session, by its id or externalId.")
@click.option("--clause", metavar="SLUG", shell_complete=complete_clauses, help="Only refusals for it; * for any.")
@click.option("--unknown-keys", is_flag=True, help="Requests whose key belongs to no environment.")
@_as_json
@_as_client
def journal(
    client: ControlClient, environment: str | None, follow: bool, unknown_keys: bool, as_json: bool, **wanted: Any
) -> None:
    """Print the exchanges of an environment, oldest first, one a line.

    \b
    Examples:
      adjourn journal --follow
      adjourn journal --env mine --operation closeSession --status 4xx
      adjourn journal --unknown-keys
    """
    place = ("journal",) if unknown_keys else ("environments", _environment(client, environment), "journal")
    query = {} if unknown_keys else {**wanted, "limit": _LIMIT}
    if unknown_keys and (given := [name for name, value in wanted.items() if value is not None]):
        raise UsageProblem(f"--unknown-keys takes no --{given[0]}")
    last = 0
    waiting: Mapping[str, Any] = {}
    while True:
        shown = client.call("GET", *place, query={**query, "since": last, **waiting}, wait_seconds=_FOLLOW_SECONDS)
        for entry in shown["entries"]:
            click.echo(json.dumps(entry) if as_json else _line(entry))
        if not follow:
            return
        # A journal that was cleared counts from 1 again.
        last = 0 if shown["count"] < last else max([last, *(entry["number"] for entry in shown["entries"])])
        if unknown_keys:
            # The control API has no waiting for them.
            time.sleep(_POLL_SECONDS)
        else:
            waiting = {"min": 1, "timeout": f"{_FOLLOW_SECONDS}s"}


def _line(entry: Mapping[str, Any]) -> str:
    status = str(entry["status"])
    if wants_colour():
        status = click.style(
            status, fg="green" if entry["status"] < 300 else "yellow" if entry["status"] < 500 else "red"
        )
    target = f"{entry['path']}?{entry['query']}" if entry["query"] else entry["path"]
    parts = [f"{entry['number']:>5}  {entry['at'][11:23]}  {status}  {entry['method']:<6}  {ascii(target)[1:-1]}"]
    if (close := entry["close"]) is not None:
        reason = "no reason" if close["reason"] is None else f"reason {close['reason']!a}"
        parts.append(f"{'closed' if close['first'] else 'closed before'}, {reason}")
    if entry["clause"] is not None:
        parts.append(f"refused: {entry['clause']}")
    if entry["faults"]:
        parts.append(f"faults: {', '.join(entry['faults'])}")
    return "  ".join(parts)


@click.group()
def fault() -> None:
    """Faults of a mock that runs: enable, list, disable."""


@fault.command("enable")
@click.argument("name", metavar="NAME[=VALUE]", shell_complete=complete_faults)
@_of_environment
@click.option("--operation", metavar="NAME", shell_complete=complete_operations, help="Only for this operation.")
@click.option("--session", metavar="KEY", help="Only for the session with this id or externalId in the path.")
@click.option("--times", type=click.IntRange(min=1), metavar="N", help="Only for the next N requests.")
@click.option("--probability", type=click.FloatRange(0, 1), metavar="P", help="The probability that it applies.")
@click.option("--chance-seed", "seed", type=int, metavar="N", help="Make chance the same on every run.")
@_as_client
def enable(client: ControlClient, name: str, environment: str | None, **scope: Any) -> None:
    """Enable a fault and print its id.

    \b
    Examples:
      adjourn fault enable latency=200ms --operation closeSession
      adjourn fault enable status=status:503 --times 2
      adjourn fault enable later-close-replaces-reason
    """
    from adjourn_mock.faults import FaultCatalogue

    parameters: Mapping[str, Any] = {}
    # A fault of the mock's owner is not in the catalogue here; the mock decides.
    if "=" in name:
        try:
            name, parameters = FaultCatalogue().parse(name)
        except (LookupError, ValueError) as error:
            raise UsageProblem(str(error.args[0])) from None
    body = {"fault": name, **{each: value for each, value in scope.items() if value is not None}}
    if parameters:
        body["parameters"] = dict(parameters)
    made = client.call("POST", "environments", _environment(client, environment), "faults", body=body)
    click.echo(made["id"])


@fault.command("list")
@_of_environment
@_as_json
@_as_client
def list_enabled(client: ControlClient, environment: str | None, as_json: bool) -> None:
    """List the enabled faults; adjourn faults list prints those that exist.

    \b
    Example:
      adjourn fault list
    """
    listed = client.call("GET", "environments", _environment(client, environment), "faults")["faults"]
    if as_json:
        click.echo(json.dumps(listed, indent=2))
        return
    for each in listed:
        limits = [str(each[name]) for name in ("operation", "session") if each[name] is not None]
        limits += [] if each["remaining"] is None else [f"{each['remaining']} left"]
        limits += [] if each["probability"] == 1 else [f"probability {each['probability']}"]
        limits += [f"{name} {value}" for name, value in each["parameters"].items() if value is not None]
        click.echo(f"{each['id']:<38} {each['hits']:>6} hits  {', '.join(limits)}".rstrip())


@fault.command("disable")
@click.argument("fault_id", metavar="ID", required=False)
@_of_environment
@click.option("--all", "is_all", is_flag=True, help="All of them.")
@_as_client
def disable(client: ControlClient, fault_id: str | None, environment: str | None, is_all: bool) -> None:
    """Disable a fault by the id that enabling it printed, or all of them.

    \b
    Examples:
      adjourn fault disable latency-1
      adjourn fault disable --all
    """
    if (fault_id is None) != is_all:
        raise UsageProblem("give the id of a fault, or --all; adjourn fault list has the ids")
    path = ("environments", _environment(client, environment), "faults")
    client.call("DELETE", *path, *(() if fault_id is None else (fault_id,)))


@click.command()
@click.argument("change", type=click.Choice(["show", "freeze", "set", "advance", "resume"]), default="show")
@click.argument("value", required=False)
@_of_environment
@_as_json
@_as_client
def clock(client: ControlClient, change: str, value: str | None, environment: str | None, as_json: bool) -> None:
    """Show or change the clock of an environment: show, freeze [TIME], set TIME, advance DURATION, resume.

    \b
    Examples:
      adjourn clock
      adjourn clock freeze 2026-01-01T00:00:00Z
      adjourn clock advance 90s
      adjourn clock resume
    """
    if change in ("set", "advance") and value is None:
        raise UsageProblem(f"clock {change} needs a {'duration, such as 90s' if change == 'advance' else 'time'}")
    if change in ("show", "resume") and value is not None:
        raise UsageProblem(f"clock {change} takes no value, not {value!r}")
    path = ("environments", _environment(client, environment), "clock")
    shown = client.call("GET", *path) if change == "show" else client.call("POST", *path, body={change: value or True})
    click.echo(json.dumps(shown) if as_json else shown["now"] + (" (frozen)" if shown["frozen"] else ""))
