"""What a check found: one verdict for each clause, and the proof of each failed one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

from adjourn_contract.reports.facts import Facts
from adjourn_contract.reports.outcome import Observed, Outcome, Proof
from adjourn_spec import Contract

__all__ = ["Kind", "State", "Verdict", "Verdicts"]

State = Literal["passed", "failed", "accepted", "not checked"]
Kind = Literal["", "not applicable", "could not run", "not asked for"]


@dataclass(frozen=True)
class Verdict:
    """The state of one clause.

    Attributes:
        clause: its slug.
        state: passed, failed, accepted (failed, but allowed to) or not checked.
        kind: of the reason why it was not checked: the contract lets a server lack it, a test could not run, or
            nobody asked for it.
        reason: why it was not checked.
        remedy: the option or key with which it can be checked.
        proof: how it failed.
        affects: clauses that were not checked because their tests stopped at this one.
    """

    clause: str
    state: State
    kind: Kind = ""
    reason: str = ""
    remedy: str | None = None
    proof: Proof | None = None
    affects: tuple[str, ...] = ()


@dataclass
class Verdicts:
    """Gathers what the tests report.

    A clause has passed only if every test that covers it ran to its end. A failure that its
    requests did not show again counts where no other explains it: what a server does to the sessions of other tests
    shows in any test.

    Attributes:
        contract: whose clauses.
        asked: globs of the slugs that were asked for; all where empty.
        accept: globs of the slugs that may fail.
        allow_incomplete: whether a test that could not run leaves the exit code alone.
        facts: the circumstances of the check.
        error: why the check came to nothing, or not to its end, where the user has to act.
        seconds: how long the check took.
    """

    contract: Contract
    asked: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    allow_incomplete: bool = False
    facts: Facts = field(default_factory=Facts)
    error: str | None = None
    seconds: float = 0
    observed: Observed = field(default_factory=Observed)
    _tests: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _outcomes: dict[str, Outcome] = field(default_factory=dict)
    _repeated_proofs: dict[str, Proof] = field(default_factory=dict)
    _unrepeated_proofs: dict[str, Proof] = field(default_factory=dict)
    _stop: tuple[str, str | None] | None = None

    # gathering

    def expect(self, tests: Mapping[str, Sequence[str]]) -> None:
        """Take in which tests are to run, and which clauses each of them covers."""
        self._tests |= {test: tuple(slugs) for test, slugs in tests.items()}

    def note(self, outcome: Outcome) -> None:
        """Take in how one test ended."""
        self.observe(outcome.observed)
        self._tests.setdefault(outcome.test, outcome.clauses)
        self._outcomes[outcome.test] = outcome
        if outcome.result == "error":
            self.error = self.error or outcome.reason
        if outcome.proof is not None:
            proofs = self._repeated_proofs if outcome.is_repeated else self._unrepeated_proofs
            known = proofs.get(outcome.clause)
            if known is None or outcome.proof.rank < known.rank:
                proofs[outcome.clause] = outcome.proof

    def observe(self, seen: Observed) -> None:
        """Add what was measured since the last report."""
        before = self.observed
        lags = [lag for lag in (before.list_lag_seconds, seen.list_lag_seconds) if lag is not None]
        self.observed = Observed(
            requests=before.requests + seen.requests,
            rate_limited=before.rate_limited + seen.rate_limited,
            gateway_errors=before.gateway_errors + seen.gateway_errors,
            list_lag_seconds=max(lags, default=None),
            left_open=before.left_open + seen.left_open,
            is_gone=before.is_gone or seen.is_gone,
            notes=tuple(dict.fromkeys((*before.notes, *seen.notes))),
        )

    def stop(self, reason: str, remedy: str | None = None) -> None:
        """Take in why the tests that have not run will not run. The first reason counts."""
        self._stop = self._stop or (reason, remedy)

    # reading

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.all())

    def all(self) -> Sequence[Verdict]:
        """A verdict for each clause that every server owes, in the order of the catalogue."""
        verdicts = [self._verdict(slug) for slug, clause in self.contract.clauses.items() if clause.level == "must"]
        affected: dict[str, list[str]] = {}
        for verdict in verdicts:
            if verdict.state == "not checked" and verdict.kind == "could not run":
                for cause in self._causes(verdict.clause):
                    affected.setdefault(cause, []).append(verdict.clause)
        return [replace(verdict, affects=tuple(affected.get(verdict.clause, ()))) for verdict in verdicts]

    @property
    def _proofs(self) -> Mapping[str, Proof]:
        """The proof of each failed clause."""
        return self._repeated_proofs or self._unrepeated_proofs

    def _verdict(self, slug: str) -> Verdict:
        if slug in self._proofs:
            return Verdict(slug, "accepted" if _matches(slug, self.accept) else "failed", proof=self._proofs[slug])
        if self.asked and not _matches(slug, self.asked):
            return Verdict(slug, "not checked", "not asked for", "not asked for")
        tests = [test for test, slugs in self._tests.items() if slug in slugs]
        if not tests:
            if self._stop is not None or not self._tests:
                return self._not_run(slug)
            reason = f"the {self.facts.profile} profile does not test it in full"
            return Verdict(slug, "not checked", "not asked for", reason, "--profile")
        return self._verdict_of(slug, tests)

    def _verdict_of(self, slug: str, tests: Sequence[str]) -> Verdict:
        """The verdict of a clause from the tests that cover it."""
        outcomes = [self._outcomes.get(test) for test in tests]
        for outcome in outcomes:
            if outcome is None:
                return self._not_run(slug)
            if outcome.result == "failed":
                reason = f"stopped at {outcome.clause}"
                if outcome.clause not in self._proofs:
                    reason = f"a test failed at {outcome.clause}, which its requests did not show again"
                return Verdict(slug, "not checked", "could not run", reason)
            if outcome.result in ("could not run", "error"):
                return Verdict(slug, "not checked", "could not run", outcome.reason, outcome.remedy)
        # What a test needs and the contract lets a server lack leaves the clause untested in part.
        for outcome in outcomes:
            if outcome is not None and outcome.result == "not applicable":
                return Verdict(slug, "not checked", "not applicable", outcome.reason)
        return Verdict(slug, "passed")

    def _not_run(self, slug: str) -> Verdict:
        reason, remedy = self._stop or (self.error or "its test did not run", None)
        return Verdict(slug, "not checked", "could not run", reason, remedy)

    def _causes(self, slug: str) -> Sequence[str]:
        """The failed clauses at which tests of a clause stopped."""
        ended = self._outcomes.values()
        stopped = (each for each in ended if each.result == "failed" and each.clause in self._proofs)
        return list(dict.fromkeys(outcome.clause for outcome in stopped if slug in outcome.clauses))

    def seconds_of(self, slug: str) -> float:
        """How long a clause took: the time of each test, shared evenly among the clauses that it covers."""
        ended = (outcome for outcome in self._outcomes.values() if slug in outcome.clauses)
        return sum(outcome.seconds / len(outcome.clauses) for outcome in ended)

    @property
    def failed(self) -> Sequence[Verdict]:
        return [verdict for verdict in self.all() if verdict.state == "failed"]

    @property
    def incomplete(self) -> Sequence[Verdict]:
        """The clauses that were asked for and could not be checked."""
        return [verdict for verdict in self.all() if verdict.kind == "could not run"]

    @property
    def stale(self) -> Sequence[str]:
        """The globs of `accept` for which nothing failed and something passed: they can be removed."""
        verdicts = self.all()
        states = {glob: {each.state for each in verdicts if fnmatchcase(each.clause, glob)} for glob in self.accept}
        return [glob for glob, seen in states.items() if "passed" in seen and "accepted" not in seen]

    @property
    def remedies(self) -> Mapping[str, int]:
        """The options and keys that are missing, with the number of clauses that each would let run."""
        return Counter(verdict.remedy for verdict in self.incomplete if verdict.remedy is not None)

    @property
    def has_run(self) -> bool:
        """Whether any test ended in a result of its own."""
        return any(outcome.result != "error" for outcome in self._outcomes.values())

    @property
    def exit_code(self) -> int:
        """0 nothing failed and all that was asked for was checked, 1 a clause failed, 2 the check is not complete.

        An entry of `accept` that nothing needs any more is 1 too.
        """
        if self.failed or self.stale:
            return 1
        # A check in which no clause passed or was accepted has shown nothing.
        if self.error is not None or all(verdict.state == "not checked" for verdict in self.all()):
            return 2
        return 2 if self.incomplete and not self.allow_incomplete else 0


def _matches(slug: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(slug, glob) for glob in globs)
