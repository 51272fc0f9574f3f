"""What one test of a check reports, as it travels between processes."""

from __future__ import annotations

from typing import Any, Literal, Self

import msgspec

__all__ = ["Observed", "Outcome", "Proof", "Result"]

Result = Literal["passed", "failed", "could not run", "not applicable", "error"]


class Proof(msgspec.Struct, frozen=True):
    """One smallest example of a failed clause.

    Attributes:
        expected: what the clause asks for, in words; `got` what came instead.
        test: the test that found it.
        curl: shell lines that send the requests again.
        sent: the request that shows it, in words.
        script: a shell script that asserts what a lawful server answers, or None where no program can check it.
        pytest_file: the same as a pytest file.
    """

    expected: str
    got: str
    test: str
    curl: tuple[str, ...]
    sent: str = ""
    script: str | None = None
    pytest_file: str | None = None

    @property
    def rank(self) -> tuple[bool, int]:
        """Of two proofs of a clause the lower is shown: one that a program can check, and then the shorter."""
        return self.script is None, len(self.curl)


class Observed(msgspec.Struct, frozen=True):
    """What was measured since the last report of the same process.

    Attributes:
        requests: how many were sent.
        rate_limited: how many answers were 429.
        list_lag_seconds: the longest time that a list lagged behind a write, None where it was not measured.
        left_open: sessions that could not be closed at the end.
        is_gone: the server was seen to accept no connections any more.
        notes: sentences for the report.
        gateway_errors: how many answers were a gateway's own 502, 503 or 504.
    """

    requests: int = 0
    rate_limited: int = 0
    list_lag_seconds: float | None = None
    left_open: int = 0
    is_gone: bool = False
    notes: tuple[str, ...] = ()
    gateway_errors: int = 0

    @classmethod
    def from_dict(cls, value: Any) -> Self:
        """From a JSON object."""
        return msgspec.convert(value, cls)


class Outcome(msgspec.Struct, frozen=True):
    """How one test ended.

    Attributes:
        test: its id.
        clauses: the slugs that it covers.
        result: how it ended.
        clause: the slug that failed, where one did.
        reason: why it was not run to its end.
        remedy: the option or key with which it can run.
        proof: of the failed clause.
        observed: what was measured meanwhile.
        seconds: how long the test took.
        is_repeated: False where its requests were sent again and did not show the failure.
    """

    test: str
    clauses: tuple[str, ...]
    result: Result
    clause: str = ""
    reason: str = ""
    remedy: str | None = None
    proof: Proof | None = None
    observed: Observed = Observed()
    seconds: float = 0
    is_repeated: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The outcome as a JSON object."""
        value: dict[str, Any] = msgspec.to_builtins(self)
        return value

    @classmethod
    def from_dict(cls, value: Any) -> Self:
        """The reverse of `as_dict`."""
        return msgspec.convert(value, cls)
