"""`adjourn mock`: serves the mock until a signal ends it."""

from __future__ import annotations

import json
import secrets
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from adjourn.mock_options import MockOptions, mock_options
from adjourn.options import UsageProblem, wants_colour

if TYPE_CHECKING:
    from adjourn_mock import MockApp

__all__ = ["mock"]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=3031, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@click.option(
    "--max-connections",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Upper limit of open connections of each process.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Processes; needs a store."
)
@click.option("--quiet", "-q", is_flag=True, help="Print no line for each exchange.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the address as one JSON line when ready; print nothing else."
)
@mock_options
def mock(host: str, port: int, max_connections: int, workers: int, quiet: bool, as_json: bool, **options: Any) -> None:
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

    given = MockOptions(**options)
    is_token_made = given.control_token is None and not is_loopback(host)
    if is_token_made:
        given = replace(given, control_token=secrets.token_urlsafe(24), is_open_to_this_machine=True)
    if workers > 1 and given.store == "memory":
        raise UsageProblem("--workers needs a store that processes share: --store redis://... or sqlite:PATH")
    app = given.app()
    ready = partial(_print_json if as_json else _print_lines, app, given, is_token_made=is_token_made)
    where: dict[str, Any] = {"host": host, "port": port, "ready": ready, "max_connections": max_connections}
    try:
        if workers > 1:
            serve_workers(given.app, workers=workers, **where)
        else:
            _serve_with_log(app, is_quiet=quiet or as_json, **where)
    except BindError as error:
        raise UsageProblem(str(error)) from None


def _print_json(app: MockApp, options: MockOptions, url: str, *, is_token_made: bool) -> None:
    environments = [{"name": each.name, "secretKey": each.secret_key} for each in app.environments]
    token = {"controlToken": options.control_token} if is_token_made else {}
    click.echo(json.dumps({"url": url, "environments": environments, **token}))
    sys.stdout.flush()


def _print_lines(app: MockApp, options: MockOptions, url: str, *, is_token_made: bool) -> None:
    click.echo(f"The mock of the Sessions API listens on {url} ({options.dialect} dialect).\n")
    click.echo(f"  export TRIGGER_API_URL={url}")
    first, *others = (each.shown_key for each in app.environments)
    # The default keys may be copied from here; a key that was given is not printed.
    is_known = first == next(iter(app.environments)).secret_key
    click.echo(f"  export TRIGGER_SECRET_KEY={first}\n" if is_known else f"  with the key that you gave, {first}\n")
    if others:
        click.echo(f"Other environments: {', '.join(others)}")
    if is_token_made:
        click.echo("Other machines need the control token for what follows (ADJOURN_CONTROL_TOKEN sets it):")
        click.echo(f"  export ADJOURN_CONTROL_TOKEN={options.control_token}\n")
    click.echo(f"Dashboard: {url}/_adjourn/   Reference: {url}/_adjourn/docs   Ctrl-C ends it.\n")
    sys.stdout.flush()


def _serve_with_log(app: MockApp, *, is_quiet: bool, **where: Any) -> None:
    from adjourn_mock import LineWriter, live_log, serve

    if is_quiet:
        serve(app, **where)
        return
    writer = LineWriter(sys.stdout.fileno())
    try:
        serve(app, beside=partial(live_log, app.control, writer.write, colour=wants_colour()), **where)
    finally:
        writer.close()
