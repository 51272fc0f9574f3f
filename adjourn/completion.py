"""What the shell completes: names of faults and clauses, operations, and environments of a running mock."""

from __future__ import annotations

import click

__all__ = ["complete_clauses", "complete_environments", "complete_faults", "complete_operations"]


def complete_faults(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """The names of faults and network conditions."""
    from adjourn_mock.faults import FaultCatalogue

    names = (str(fault["name"]) for fault in FaultCatalogue().descriptions())
    return [name for name in names if name.startswith(incomplete)]


def complete_clauses(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """The slugs of the contract's clauses."""
    from adjourn_spec import load_contract

    return [slug for slug in load_contract().clauses if slug.startswith(incomplete)]


def complete_operations(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """The operationIds of the API."""
    from adjourn_spec import load_contract

    return [name for name in load_contract().operations if name.startswith(incomplete)]


def complete_environments(
    context: click.Context,
    option: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[str]:
    """The environments of the mock that runs; none where it does not answer."""
    from adjourn_fixtures import ControlClient, ControlError

    try:
        with ControlClient(context.params.get("url") or "http://127.0.0.1:3031", context.params.get("token")) as client:
            listed = client.call("GET", "environments", query={"limit": 1000})["environments"]
    except ControlError:
        return []
    return [each["name"] for each in listed if each["name"].startswith(incomplete)]
