"""Settings of commands in `adjourn.toml`, or in `[tool.adjourn]` of `pyproject.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from adjourn.options import UsageProblem

__all__ = ["MOCK_TABLE", "SETTINGS_FILES", "settings_option"]

MOCK_TABLE = "mock"
SETTINGS_FILES = ("adjourn.toml", "pyproject.toml")


def settings_option(table: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--config FILE`: defaults for the other options of a command.

    Args:
        table: the table of the file that has them; None for the top of the file.
    """
    place = "" if table is None else f", table [{table}]"

    def read(context: click.Context, option: click.Parameter, value: str | None) -> str | None:  # noqa: ARG001
        path = Path(value or next((name for name in SETTINGS_FILES if Path(name).exists()), SETTINGS_FILES[0]))
        if not path.exists():
            if value is not None:
                raise UsageProblem(f"{path}: No such file or directory")
            return None
        settings = _table(path, table)
        options = {parameter.opts[0].lstrip("-"): parameter for parameter in context.command.params}
        known = sorted(set(options) - {"config", "json"})
        for name, setting in settings.items():
            if name not in known:
                raise UsageProblem(f"{path}: there is no setting {_key(table, name)!r}; use one of {', '.join(known)}")
            _check(context, options[name], setting, f"{path}: {_key(table, name)}")
            context.default_map = {**(context.default_map or {}), str(options[name].name): setting}
        context.meta["adjourn.settings"] = str(path)
        return value

    return click.option(
        "--config",
        is_eager=True,
        expose_value=False,
        callback=read,
        type=click.Path(),
        metavar="FILE",
        help=f"Settings{place}; adjourn.toml or [tool.adjourn] in pyproject.toml by default.",
    )


def _key(table: str | None, name: str) -> str:
    return name if table is None else f"{table}.{name}"


def _table(path: Path, table: str | None) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageProblem(f"{path}: {error}") from None
    if path.name == "pyproject.toml":
        content = content.get("tool", {}).get("adjourn", {})
    found = {name: value for name, value in content.items() if name != MOCK_TABLE}
    if table is not None:
        found = content.get(table, {})
    if not isinstance(found, Mapping):
        raise UsageProblem(f"{path}: {table} is not a table; write [{table}]")
    return found


def _check(context: click.Context, option: click.Parameter, setting: Any, place: str) -> None:
    """Refuse a value that the option would refuse, with the place in the file."""
    if (option.multiple if isinstance(option, click.Option) else False) != isinstance(setting, list):
        expected = "a list" if not isinstance(setting, list) else "a single value"
        raise UsageProblem(f"{place}: takes {expected}, not {setting!r}")
    try:
        option.type_cast_value(context, setting)
    except click.BadParameter as error:
        raise UsageProblem(f"{place}: {error.message}") from None
