"""A fault: a named way to violate one clause, by replacing steps of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adjourn_mock.pipeline.behaviour import Change

__all__ = ["Breach", "Change", "Fault", "named"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a faulty server does wrong.

    Attributes:
        name: lower-case words joined by dashes.
        clause: the slug of the clause that it violates.
        summary: one sentence with the server as its subject.
        change: makes the faulty behaviour of a behaviour.
    """

    name: str
    clause: str
    summary: str
    change: Change


@dataclass(frozen=True, slots=True)
class Breach:
    """A fault without its name: one row of a module's table."""

    clause: str
    summary: str
    change: Change


def named(table: Mapping[str, Breach]) -> tuple[Fault, ...]:
    """The faults of a table, whose keys are their names."""
    return tuple(Fault(name, breach.clause, breach.summary, breach.change) for name, breach in table.items())
