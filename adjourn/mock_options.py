"""The options of a mock: what it serves, how it behaves, where its state lives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from adjourn.completion import complete_faults
from adjourn.options import UsageProblem, contract_of, spec_option
from adjourn.settings import MOCK_TABLE, settings_option

if TYPE_CHECKING:
    from adjourn_mock import MockApp

__all__ = ["MockOptions", "mock_options"]


@dataclass(frozen=True, kw_only=True)
class MockOptions:
    """What `create_app` takes, as the command line has it.

    Attributes:
        spec: the path of another OpenAPI document.
        is_open_to_this_machine: whether this machine may use the control API without the token.
    """

    spec: str | None
    secret_keys: tuple[str, ...]
    dialect: str
    seed: str | None
    id_seed: int | None
    faults: tuple[str, ...]
    store: str
    max_sessions: int
    max_megabytes: int
    max_environments: int
    stubs: tuple[str, ...]
    passthrough: str | None
    control_token: str | None
    is_open_to_this_machine: bool = False

    def app(self) -> MockApp:
        """The mock; each worker process makes one of its own.

        Raises:
            UsageProblem: an option is not valid.
        """
        from adjourn_mock import create_app

        given = {name: value for name, value in vars(self).items() if name != "spec"}
        try:
            return create_app(contract_of(self.spec), **given)
        except ValueError as error:
            raise UsageProblem(str(error)) from None


def _limit(name: str, default: int, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(name, type=click.IntRange(min=1), default=default, show_default=True, metavar="N", help=text)


_OPTIONS = (
    settings_option(MOCK_TABLE),
    click.option("--secret-key", "secret_keys", multiple=True, metavar="KEY", help="One environment each; repeatable."),
    spec_option,
    click.option(
        "--dialect",
        default="documented",
        show_default=True,
        type=click.Choice(["documented", "server"]),
        help="How to answer where the sources disagree.",
    ),
    click.option("--seed", type=click.Path(), metavar="FILE", help="Sessions to load at startup, YAML or JSON."),
    click.option("--id-seed", type=int, metavar="N", help="Make the ids the same on every run."),
    click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="NAME[=VALUE]",
        shell_complete=complete_faults,
        help="Enable a fault or a network condition, such as latency=200ms; adjourn faults list has the names.",
    ),
    click.option(
        "--store",
        default="memory",
        show_default=True,
        metavar="STORE",
        help="Where the state lives: memory, sqlite:PATH or redis://HOST:PORT/DATABASE.",
    ),
    _limit("--max-sessions", 1_000_000, "Upper limit of sessions in memory."),
    _limit("--max-megabytes", 2048, "Upper limit of memory, or of SQLite's file, for sessions."),
    _limit("--max-environments", 10_000, "Upper limit of environments."),
    click.option(
        "--stub",
        "stubs",
        multiple=True,
        type=click.Path(),
        metavar="FILE",
        help="Answers to requests outside the Sessions API; repeatable.",
    ),
    click.option("--passthrough", metavar="URL", help="Send requests outside the Sessions API to this server."),
    click.option(
        "--control-token",
        envvar="ADJOURN_CONTROL_TOKEN",
        show_envvar=True,
        metavar="TOKEN",
        help="Whoever has it may use the control API; without one only this machine may.",
    ),
)


def mock_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a mock, as the parameters of `MockOptions`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
