"""How a test of the contract can end other than by passing.

Exception
├── AssertionError
│   └── ClauseFailed      the server breaks a clause
├── TryAlone              the test failed once beside others; it is tried again alone
├── NotChecked            the test could not run: a key, an operation or time is missing
│   └── NotApplicable     the contract lets a server lack what the test needs
└── TargetUnusable        no test can run
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adjourn_contract.proofs.evidence import Claim
from adjourn_contract.transport.exchange import Exchange

__all__ = ["ClauseFailed", "NotApplicable", "NotChecked", "TargetUnusable", "TryAlone"]


class ClauseFailed(AssertionError):  # noqa: N818 - said of the clause
    """A server breaks a clause.

    Attributes:
        clause: the slug of the clause.
        expected: what the clause asks for, in a few words.
        got: what came instead.
        exchanges: every request of the scenario with its response, in the order of sending.
        row: the row that is wrong, as one of the responses has it, where it is a row.
        claims: what the responses of a lawful server satisfy, where the words above do not say it to a program.
    """

    def __init__(
        self,
        clause: str,
        expected: str,
        got: str,
        exchanges: Sequence[Exchange] = (),
        *,
        row: Any = None,
        claims: Sequence[Claim] = (),
    ) -> None:
        super().__init__(f"{clause}: expected {expected}, got {got}")
        self.row, self.claims = row, tuple(claims)
        self.clause, self.expected, self.got, self.exchanges = clause, expected, got, tuple(exchanges)


class TryAlone(Exception):  # noqa: N818 - a request, not an error
    """A test failed beside others, and depends on time; whoever runs it is asked to try it again with no other test.

    Attributes:
        play: what to call then; it raises what the test has to report.
    """

    def __init__(self, play: Callable[[], None]) -> None:
        super().__init__("tried again alone")
        self.play = play


class NotChecked(Exception):  # noqa: N818 - an outcome, not an error
    """A test could not run on this target; the text says why.

    A check with such a test is incomplete and exits with 2.

    Attributes:
        remedy: the option or key with which the test can run, for example `--other-secret-key`, or None.
    """

    def __init__(self, reason: str, *, remedy: str | None = None) -> None:
        super().__init__(reason)
        self.remedy = remedy


class NotApplicable(NotChecked):
    """The contract lets a server lack what the test needs: list and update, for example."""


class TargetUnusable(Exception):  # noqa: N818
    """The target cannot be checked at all: unreachable, the key refused, nothing can be created."""
