"""What a test of the contract reports: an outcome without keys, from the error with which it ended."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from adjourn_contract.engine.outcomes import ClauseFailed, NotApplicable, NotChecked
from adjourn_contract.engine.run import Run
from adjourn_contract.proofs.failure import Failure
from adjourn_contract.proofs.proving import told, written
from adjourn_contract.proofs.replaying import Player
from adjourn_contract.proofs.shrinking import Bounds, renumbered, shrunk
from adjourn_contract.proofs.story import Story
from adjourn_contract.reports.outcome import Outcome, Proof, Result
from adjourn_contract.transport.exchange import OutOfTime, Unreachable

__all__ = ["outcome_of", "proof_text"]

# Shorter values of headers are not secrets, and are parts of other words.
_MIN_SECRET_CHARACTERS = 6


def outcome_of(run: Run, test: str, name: str, clauses: tuple[str, ...], error: BaseException | None) -> Outcome:
    """How a test ended.

    Args:
        run: of the check.
        test: the test's id; `name` the short form, for people.
        clauses: the slugs that it covers.
        error: with which it ended, or None.
    """
    observed = run.observe()
    if error is None:
        return Outcome(test, clauses, "passed", observed=observed)
    if isinstance(error, ClauseFailed):
        story = _story_of(run, error)
        proof = _proof_of(run, name, error, story)
        return Outcome(
            test, clauses, "failed", error.clause, proof=proof, observed=observed, is_repeated=not story.is_rare
        )
    if isinstance(error, OutOfTime):
        remedy = error.remedy
        return Outcome(test, clauses, "could not run", reason=str(error), remedy=remedy, observed=observed)
    if isinstance(error, NotChecked):
        result: Result = "not applicable" if isinstance(error, NotApplicable) else "could not run"
        reason = _clean(run, str(error))
        return Outcome(test, clauses, result, reason=reason, remedy=error.remedy, observed=observed)
    if isinstance(error, Unreachable):
        reason = f"the server is no longer reachable: {error}"
    else:
        reason = f"{name} itself failed: {' '.join(f'{type(error).__name__}: {error}'.split())}"
    return Outcome(test, clauses, "error", reason=_clean(run, reason), observed=observed)


def _story_of(run: Run, error: ClauseFailed) -> Story:
    """The requests that show a failure, as few as that takes.

    Other tests pause meanwhile: what a faulty server does to the sessions of others would show in a replay too.
    """
    failure = Failure(error.expected, error.got, error.exchanges, run.secrets, run.contract, error.row, error.claims)
    story = told(failure, error.clause, url=run.url, key=run.key, other_key=run.other_key, run=_digits_of(run.tag))
    player = Player(run.wire, run.key, run.other_key, run.random("proofs"), run.remember)
    with run.paused(), suppress(OutOfTime):
        story = shrunk(story, player, Bounds())
    return story


def _proof_of(run: Run, name: str, error: ClauseFailed, story: Story) -> Proof:
    clause = run.contract.clauses.get(error.clause)
    proof = written(renumbered(story), clause.statement if clause else "")
    return Proof(
        expected=_clean(run, error.expected),
        got=_clean(run, error.got),
        test=name,
        curl=tuple(_clean(run, line) for line in _with_headers(run, proof.commands)),
        sent=_clean(run, proof.sent),
        script=None if proof.script is None else _clean(run, "\n".join(_with_headers(run, proof.script.split("\n")))),
        pytest_file=None if proof.pytest_file is None else _clean(run, proof.pytest_file),
    )


def _with_headers(run: Run, lines: Sequence[str]) -> Sequence[str]:
    """The lines of a proof with a curl that sends what `--header` added, its values from variables."""
    added = []
    for name, _ in run.wire.route.headers:
        variable = "".join(each if each.isalnum() else "_" for each in name.upper())
        added.append(f'-H "{name}: ${{{variable}:?}}"')
    return lines if not added else [lines[0], f'curl() {{ command curl {" ".join(added)} "$@"; }}', *lines[1:]]


def _digits_of(tag: str) -> str:
    """The part of a tag that is the same in each of the processes of a check."""
    return tag[: len(tag) - len(tag.lstrip("0123456789"))] or tag


def proof_text(run: Run, outcome: Outcome) -> str:
    """A failure as pytest prints it: the clause, what was expected, what came, and the commands."""
    clause, proof = run.contract.clauses.get(outcome.clause), outcome.proof
    if proof is None:
        return outcome.reason
    return "\n".join(
        [
            f"{outcome.clause}: {clause.statement if clause else ''}",
            f"  sent     {proof.sent}",
            f"  expected {proof.expected}",
            f"  got      {proof.got}",
            *(f"  {line}" for line in proof.curl),
        ]
    )


def _clean(run: Run, text: str) -> str:
    """A text without keys, and without lone surrogates, which cannot be written to a file."""
    for secret in (run.key, run.other_key):
        if secret:
            text = text.replace(secret, f"{secret[:7]}...")
    for _, value in run.wire.route.headers:
        if len(value) >= _MIN_SECRET_CHARACTERS:
            text = text.replace(value, "...")
    return text.encode("utf-8", "backslashreplace").decode()
