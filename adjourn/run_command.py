"""`adjourn run`: runs a command beside a mock of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from adjourn.mock_options import MockOptions, mock_options
from adjourn.options import UsageProblem

if TYPE_CHECKING:
    from adjourn_mock import MockServer

__all__ = ["run"]

# As shells have it.
_NOT_FOUND, _NOT_EXECUTABLE, _SIGNALLED = 127, 126, 128
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_PAUSE_SECONDS = 0.05
_LINES = 100_000


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="The mock's port; a free one by default.")
@click.option(
    "--journal", type=click.Path(), metavar="FILE", help="Write each exchange to a file, as one JSON value a line."
)
@mock_options
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(command: tuple[str, ...], port: int, journal: str | None, **options: Any) -> None:
    """Start the mock, run COMMAND with its URL and key in the environment, stop the mock.

    COMMAND gets TRIGGER_API_URL, TRIGGER_SECRET_KEY and ADJOURN_URL (for the control API). Signals are passed on to
    it, and its exit code is the exit code; 128 and the signal's number where a signal ended it.

    \b
    Examples:
      adjourn run -- npm test
      adjourn run --seed sessions.yaml --journal exchanges.jsonl -- npx vitest run
      adjourn run --fault latency=200ms -- pytest
    """
    from adjourn_mock import BindError, MockServer

    given = MockOptions(**options)
    server = MockServer(given.app(), port=port)
    with ExitStack() as stack:
        # First, so that a file that cannot be written costs nothing.
        file = None if journal is None else stack.enter_context(_opened(journal))
        try:
            stack.enter_context(server)
        except BindError as error:
            raise UsageProblem(str(error)) from None
        if file is not None:
            stack.enter_context(_recording(server, file))
        code = _exit_code(command, _environ(server, given.control_token))
    sys.exit(code)


@contextmanager
def _opened(path: str) -> Iterator[TextIO]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "w", encoding="utf-8"))
        except OSError as error:
            raise UsageProblem(f"{path}: {error.strerror}") from None
        yield file


def _environ(server: MockServer, control_token: str | None) -> dict[str, str]:
    token = {} if control_token is None else {"ADJOURN_CONTROL_TOKEN": control_token}
    return {
        **os.environ,
        "TRIGGER_API_URL": server.url,
        "TRIGGER_SECRET_KEY": server.secret_key,
        "ADJOURN_URL": server.url,
        **token,
    }


def _exit_code(command: Sequence[str], environ: dict[str, str]) -> int:
    """Run a command to its end, pass signals on to it, and return its exit code as a shell has it."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, frame: Any) -> None:  # noqa: ARG001
        # A terminal sends Ctrl-C to the command itself, too: twice would kill a runner that cleans up on the first.
        if number == signal.SIGINT and _is_foreground():
            return
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    handlers = {number: signal.signal(number, pass_on) for number in _SIGNALS}
    try:
        process = subprocess.Popen(command, env=environ)  # noqa: S603 - it is what the user asks for
        for number in early:
            process.send_signal(number)
        code = process.wait()
    except FileNotFoundError:
        click.echo(f"adjourn: {command[0]}: command not found", err=True)
        return _NOT_FOUND
    except OSError as error:
        click.echo(f"adjourn: {command[0]}: {error.strerror}", err=True)
        return _NOT_EXECUTABLE
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return code if code >= 0 else _SIGNALLED - code


def _is_foreground() -> bool:
    """Whether this process is in the foreground of a terminal."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):
        return False


@contextmanager
def _recording(server: MockServer, file: TextIO) -> Iterator[None]:
    """Write the exchanges of all environments to a file until the block ends."""
    ended = threading.Event()

    def record() -> None:
        tails: dict[str, Any] = {}
        is_last = False
        while not is_last:
            is_last = ended.wait(_PAUSE_SECONDS)
            file.writelines(server.call(_new_lines(server, tails)))

    thread = threading.Thread(target=record, name="adjourn-journal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def _new_lines(server: MockServer, tails: dict[str, Any]) -> list[str]:
    """The exchanges since the last time, each as a line of JSON."""
    from adjourn_mock.exchanges.journal import Tail

    control, lines = server.app.control, []
    for environment in control.service.environments:
        tail = tails.setdefault(environment.id, Tail(environment.journal))
        news = await tail.poll(_LINES)
        if news.skipped:
            lines.append(json.dumps({"environment": environment.name, "skipped": news.skipped}) + "\n")
        for entry in news.entries:
            shown = await control.detail(entry, environment)
            lines.append(json.dumps({"environment": environment.name, **shown}) + "\n")
    unknown = tails.setdefault("", Tail(control.service.unknown_callers))
    strangers = [await control.detail(entry, None) for entry in (await unknown.poll(_LINES)).entries]
    return [*lines, *(json.dumps({"environment": None, **shown}) + "\n" for shown in strangers)]
