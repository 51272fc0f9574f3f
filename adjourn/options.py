"""What the commands share: errors in one line, the contract, the contract tests where they are installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import click

from adjourn_spec import Contract, DocumentError, load_contract

__all__ = ["COULD_NOT", "UsageProblem", "assert_contract_tests", "contract_of", "spec_option", "wants_colour"]

COULD_NOT = 2


class UsageProblem(click.ClickException):
    """Something the user can put right: one line on standard error, exit code 2."""

    exit_code = COULD_NOT

    def show(self, file: Any = None) -> None:  # noqa: ARG002
        click.echo(f"adjourn: {self.message}", err=True)


def contract_of(path: str | None) -> Contract:
    try:
        return load_contract(path)
    except DocumentError as error:
        raise UsageProblem(str(error)) from None


def assert_contract_tests() -> None:
    """Refuse where what the contract tests need is not installed."""
    missing = [name for name in ("hypothesis", "jinja2", "pytest", "schemathesis") if find_spec(name) is None]
    if missing:
        raise UsageProblem(f"the contract tests need more ({', '.join(missing)}): pip install 'adjourn[contract]'")


def wants_colour() -> bool:
    """Colours only on a terminal, and not where NO_COLOR is set."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def spec_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--spec FILE` for every command that needs the contract."""
    return click.option("--spec", metavar="FILE", help="Another OpenAPI document with the same operations.")(command)
