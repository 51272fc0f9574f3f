"""What a check found: one verdict for each clause, and the proof of each failed one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from adjourn_spec import Contract

__all__ = ["Proof", "State", "Verdict", "Verdicts"]

State = Literal["passed", "failed", "accepted", "not checked"]


@dataclass(frozen=True)
class Proof:
    """One smallest example of a failed clause."""

    expected: str
    got: str
    test: str
    curl: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether a clause passed. `reason` says why it was not checked, `proof` how it failed."""

    clause: str
    state: State
    reason: str = ""
    proof: Proof | None = None


@dataclass
class Verdicts:
    """Gathers what the tests report.

    Attributes:
        contract: whose clauses.
        accepted: slugs that may fail without the check failing.
        trouble: why the target could not be checked, if it could not.
    """

    contract: Contract
    accepted: frozenset[str] = frozenset()
    error: str | None = None
    requests: int = 0
    _passed: set[str] = field(default_factory=set)
    _proofs: dict[str, Proof] = field(default_factory=dict)
    _skipped: dict[str, str] = field(default_factory=dict)

    def note(self, outcome: Mapping[str, Any]) -> None:
        """Take in what one test reports, as `adjourn_contract.plugin` writes it."""
        self.requests += outcome.get("requests", 0)
        if outcome["outcome"] == "failed":
            proof = Proof(outcome["expected"], outcome["got"], outcome["test"], tuple(outcome["curl"]))
            known = self._proofs.get(outcome["clause"])
            if known is None or len(proof.curl) < len(known.curl):
                self._proofs[outcome["clause"]] = proof
        elif outcome["outcome"] == "passed":
            self._passed.update(outcome["clauses"])
        else:
            if outcome["outcome"] == "error":
                self.error = self.error or outcome["reason"]
            for slug in outcome["clauses"]:
                self._skipped.setdefault(slug, outcome["reason"])

    def __iter__(self) -> Any:
        return iter(self.all())

    def all(self) -> Sequence[Verdict]:
        """A verdict for each clause that somebody owes, in the catalogue's order."""
        return [self._verdict(slug) for slug, clause in self.contract.clauses.items() if clause.level == "must"]

    def _verdict(self, slug: str) -> Verdict:
        if slug in self._proofs:
            state: State = "accepted" if slug in self.accepted else "failed"
            return Verdict(slug, state, proof=self._proofs[slug])
        if slug in self._passed:
            return Verdict(slug, "passed")
        return Verdict(slug, "not checked", self._skipped.get(slug, "not asked for"))

    @property
    def failed(self) -> Sequence[Verdict]:
        return [verdict for verdict in self.all() if verdict.state == "failed"]

    @property
    def exit_code(self) -> int:
        """0 every clause passed, 1 a clause failed, 2 it could not be checked."""
        if self.failed:
            return 1
        nothing = all(verdict.state == "not checked" for verdict in self.all())
        return 2 if self.error is not None or nothing else 0
