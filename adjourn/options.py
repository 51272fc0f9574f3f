"""What the commands share: errors in one line, the contract, the contract tests where they are installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import click

from adjourn_spec import Contract, DocumentError, load_contract

__all__ = [
    "COULD_NOT",
    "UsageProblem",
    "assert_contract_tests",
    "assert_no_doubled_path",
    "checked_url",
    "contract_of",
    "spec_option",
    "wants_colour",
]

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


def checked_url(url: str | None) -> str:
    """The server's base URL, if it can be one.

    Raises:
        UsageProblem: it is missing, is not http or https, has credentials in it, or repeats the path of the API. A
            password in it is not shown.
    """
    if not url:
        raise UsageProblem("give the server's URL, as the argument or in TRIGGER_API_URL")
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise UsageProblem(
            "the URL has a user name or password in it, which would be shown in reports; leave them out "
            "(--header NAME:VALUE sends what a proxy in front of the server needs)"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageProblem(f"{url!r} is not an http or https URL, such as https://staging.example")
    if parts.query or parts.fragment:
        raise UsageProblem(f"{url!r} has a query or fragment; give the base URL alone")
    return url


def assert_no_doubled_path(url: str, contract: Contract) -> None:
    """Refuse a base URL that ends with what the paths of the document start with.

    Raises:
        UsageProblem: it does.
    """
    prefix = contract.operations["createSession"].template.rpartition("/")[0]
    base = url.rstrip("/")
    if prefix and base.endswith(prefix):
        shorter = base.removesuffix(prefix)
        raise UsageProblem(f"the URL ends with {prefix}, which the document's paths start with; give {shorter}")


def wants_colour() -> bool:
    """Colours only on a terminal, and not where NO_COLOR is set."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def spec_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--spec FILE` for every command that needs the contract."""
    return click.option(
        "--spec", type=click.Path(), metavar="FILE", help="Another OpenAPI document with the same operations."
    )(command)
