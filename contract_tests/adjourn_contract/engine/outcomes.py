"""What a test has to say: a clause failed, or could not be checked."""

from __future__ import annotations

from collections.abc import Sequence

from adjourn_contract.transport.exchange import Exchange

__all__ = ["ClauseFailed", "NotChecked", "TargetUnusable"]


class ClauseFailed(AssertionError):  # noqa: N818 - said of the clause
    """A server breaks a clause.

    Attributes:
        clause: the slug of the clause.
        expected: what the clause asks for, in a few words.
        got: what came instead.
        exchanges: everything that was said, from nothing to the proof.
    """

    def __init__(self, clause: str, expected: str, got: str, exchanges: Sequence[Exchange] = ()) -> None:
        super().__init__(f"{clause}: expected {expected}, got {got}")
        self.clause, self.expected, self.got, self.exchanges = clause, expected, got, tuple(exchanges)


class NotChecked(Exception):  # noqa: N818 - an outcome, not an error
    """A clause cannot be checked on this target; the text says why."""


class TargetUnusable(Exception):  # noqa: N818
    """The target cannot be checked at all: unreachable, the key refused, nothing can be created."""
