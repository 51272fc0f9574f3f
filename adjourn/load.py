"""`adjourn load`: Locust presses a server, and the contract is checked meanwhile."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from adjourn.options import UsageProblem, contract_of, spec_option
from adjourn_spec import Contract

__all__ = ["load"]


@click.command()
@click.option(
    "--locustfile",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, _, value: _tell_locustfile(context, value),
    help="Print the path of the locustfile, for Locust on several machines.",
)
@click.argument("url", envvar="TRIGGER_API_URL")
@click.option(
    "--secret-key", envvar="TRIGGER_SECRET_KEY", show_envvar=True, metavar="KEY", help="The server's secret key."
)
@click.option("--users", type=click.IntRange(1, 100_000), default=20, show_default=True, metavar="N", help="At once.")
@click.option("--time", "seconds", default="30s", show_default=True, metavar="T", help="How long, as 30s, 5m or 1h.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--html", type=click.Path(), metavar="FILE", help="Write Locust's report with its charts.")
@spec_option
def load(
    url: str, secret_key: str | None, users: int, seconds: str, as_json: bool, html: str | None, spec: str | None
) -> None:
    """Press a server with users who live sessions, and check the contract meanwhile.

    Exit code 0: every clause passed under load; 1: a clause failed; 2: it could not be done.
    Without URL, TRIGGER_API_URL is pressed.

    \b
    Examples:
      adjourn load http://127.0.0.1:3031 --secret-key tr_dev_adjourn --users 50 --time 1m
      adjourn load $URL --secret-key $KEY --html report.html
    """
    if importlib.util.find_spec("locust") is None:
        raise UsageProblem("the load test needs more: pip install 'adjourn[contract,load]'")
    if not secret_key:
        raise UsageProblem("give the server's secret key, with --secret-key or in TRIGGER_SECRET_KEY")
    if not url.startswith(("http://", "https://")):
        raise UsageProblem(f"{url!r} is not an http or https URL")
    contract = contract_of(spec)
    _assert_key(url, secret_key, contract)
    found = _run_locust(url, secret_key, users, seconds, html, spec)
    answered = sum(each["requests"] - each["failures"] for each in found["operations"])
    if answered == 0 and all(each["clause"] == "no answer" for each in found["failed"]):
        raise UsageProblem(f"{url} could not be pressed: it does not answer")
    if as_json:
        click.echo(json.dumps({"url": url, "users": users, **found}, indent=2))
    else:
        click.echo("\n".join(_format(found, url, users)))
    sys.exit(1 if found["failed"] else 0)


def _assert_key(url: str, secret_key: str, contract: Contract) -> None:
    """Refuse a key that the server does not know, before users press it for as long as they were asked to."""
    import httpx

    try:
        path = contract.operations["listSessions"].template
        answer = httpx.get(f"{url.rstrip('/')}{path}", headers={"Authorization": f"Bearer {secret_key}"})
    except httpx.HTTPError as error:
        raise UsageProblem(f"{url} does not answer: {error}") from None
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise UsageProblem(f"{url} refuses the secret key ({answer.status_code}); nothing was sent but one request")


def _locustfile() -> str:
    found = importlib.util.find_spec("adjourn_contract.locustfile")
    assert found is not None  # noqa: S101 - it is in this distribution
    return str(found.origin)


def _tell_locustfile(context: click.Context, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(_locustfile())
        context.exit()


def _run_locust(url: str, secret_key: str, users: int, seconds: str, html: str | None, spec: str | None) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        # The key goes by the environment: command lines are for all to see.
        environ = {**os.environ, "TRIGGER_SECRET_KEY": secret_key, "ADJOURN_LOAD_REPORT": str(report)}
        if spec is not None:
            environ["ADJOURN_SPEC"] = spec
        command = [sys.executable, "-m", "locust", "-f", _locustfile(), "--headless", "--host", url]
        command += ["--users", str(users), "--spawn-rate", str(users), "--run-time", seconds, "--only-summary"]
        command += ["--loglevel", "ERROR", *(["--html", html] if html else [])]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
        if not report.exists():
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise UsageProblem(f"Locust did not run: {lines[-1] if lines else done.returncode}")
        return json.loads(report.read_text())


def _format(found: Any, url: str, users: int) -> list[str]:
    lines = [f"{'':16} {'requests':>9} {'a second':>9} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}"]
    lines += [
        f"{each['operation']:16} {each['requests']:9} {each['perSecond']:9.0f} {each['p50Milliseconds']:8.1f}"
        f" {each['p99Milliseconds']:8.1f} {each['maxMilliseconds']:8.1f}"
        for each in found["operations"]
    ]
    for each in found["failed"]:
        lines.append(f"broken  {each['clause']}: {each['operation']}, {each['what']} ({each['times']} times)")
    clauses = len({each["clause"] for each in found["failed"]})
    kept = "every clause passed" if not clauses else f"{clauses} clauses failed"
    return [
        *lines,
        "",
        f"{url}: {users} users, {found['requests']} requests, {found['perSecond']:.0f} a second; {kept}",
    ]
