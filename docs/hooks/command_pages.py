"""Reference pages that are made from the command line: settings, environment variables, exit codes."""

from __future__ import annotations

from collections.abc import Iterator

import click
from markdown_pieces import code, table

from adjourn.cli import cli
from adjourn_spec import Contract

__all__ = ["commands", "default_of", "exit_codes", "settings"]


def commands() -> Iterator[tuple[str, click.Command]]:
    def walk(prefix: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        if isinstance(command, click.Group):
            for name, each in command.commands.items():
                yield from walk(f"{prefix} {name}", each)
        else:
            yield prefix, command

    yield from walk("adjourn", cli)


def settings(contract: Contract) -> str:  # noqa: ARG001
    by_name = dict(commands())
    variables: dict[str, list[str]] = {}
    for name, command in commands():
        for parameter in command.params:
            names = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or []
            for variable in names:
                variables.setdefault(variable, []).append(f"{name} {parameter.opts[-1]}")
    return "\n\n".join(
        [
            "# Settings and environment variables",
            "`adjourn.toml`, or `[tool.adjourn]` in `pyproject.toml`. A setting has the name of the option;"
            " the command line wins.",
            "## Settings of adjourn check",
            setting_rows(by_name["adjourn check"]),
            "## Settings of adjourn mock and adjourn run",
            "In the table `[mock]`.",
            setting_rows(by_name["adjourn mock"]),
            "## Environment variables",
            table(
                ("variable", "read by"),
                [(code(name), ", ".join(map(code, users))) for name, users in sorted(variables.items())]
                + [
                    (code("NO_COLOR"), "every command: no colours"),
                    (code("SSL_CERT_FILE"), "certificates of authorities that the check trusts"),
                    (code("GITHUB_ACTIONS"), "`adjourn check`: failed clauses become annotations"),
                ],
            ),
        ]
    )


def setting_rows(command: click.Command) -> str:
    rows = [
        (code(parameter.opts[-1].lstrip("-")), kind_of_option(parameter), default_of(parameter), parameter.help or "")
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.opts[-1] not in ("--config", "--json", "--help")
    ]
    return table(("setting", "value", "default", "meaning"), rows)


def kind_of_option(parameter: click.Option) -> str:
    if isinstance(parameter.type, click.Choice):
        return ", ".join(code(each) for each in parameter.type.choices)
    if parameter.is_flag:
        return "true or false"
    kind = parameter.metavar or parameter.type.name
    return f"list of {kind}" if parameter.multiple else str(kind)


def default_of(parameter: click.Option) -> str:
    default = parameter.default
    return (
        ""
        if parameter.multiple or callable(default) or default in (None, False) or "UNSET" in repr(default)
        else code(default)
    )


def exit_codes(contract: Contract) -> str:  # noqa: ARG001
    rows = [
        (
            "`adjourn check`",
            "every clause that was asked for passed",
            "a clause failed",
            "the server could not be checked, or not all was; wrong options",
        ),
        ("`adjourn demo`", "every clause passed", "a clause failed", "the mock could not start or be checked"),
        (
            "`adjourn faults prove`",
            "every fault was caught, no lawful mock was accused",
            "a fault was missed, a proof did not replay, or a lawful mock was accused",
            "wrong options, or interrupted",
        ),
        (
            "`adjourn load`",
            "every clause passed under load",
            "a clause failed",
            "the server could not be reached or refused the key",
        ),
        (
            "`adjourn run`",
            "the command's own exit code",
            "the command's own exit code",
            "the mock could not start, or the command could not",
        ),
        ("other commands", "done", "", "wrong options, or it could not be done; one line on standard error"),
    ]
    return "\n\n".join(["# Exit codes", table(("command", "0", "1", "2"), rows)])
