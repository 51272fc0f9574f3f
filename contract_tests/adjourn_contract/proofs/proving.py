"""A failure turned into its proof: the commands, a script and a test that show it again."""

from __future__ import annotations

from dataclasses import dataclass

from adjourn_contract.proofs.commands import commands
from adjourn_contract.proofs.evidence import Evidence
from adjourn_contract.proofs.failure import Failure
from adjourn_contract.proofs.inference import evidence_of
from adjourn_contract.proofs.pytest_file import pytest_file
from adjourn_contract.proofs.script import script
from adjourn_contract.proofs.story import Story
from adjourn_contract.proofs.telling import story_of
from adjourn_contract.proofs.wording import sent_in_words

__all__ = ["Written", "told", "written"]


@dataclass(frozen=True)
class Written:
    """A proof as texts.

    Attributes:
        sent: the request that shows the failure, in words.
        commands: shell lines that send the requests again.
        script: a shell script that asserts what a lawful server answers, or None where that is not known.
        pytest_file: the same as a pytest file.
    """

    sent: str
    commands: tuple[str, ...]
    script: str | None
    pytest_file: str | None


def told(
    failure: Failure,
    clause: str,
    *,
    url: str,
    key: str,
    other_key: str | None,
    run: str,
    evidence: Evidence | None = None,
) -> Story:
    """The story of a failure.

    Args:
        failure: what a test reports.
        clause: the slug of the clause.
        url: the server's base URL.
        key: the secret key; `other_key` one of another environment.
        run: the run's id, the digits in the names that it makes.
        evidence: what a lawful server's answers satisfy, where the test knows it.
    """
    return story_of(
        failure.exchanges,
        url=url,
        key=key,
        other_key=other_key,
        run=run,
        clause=clause,
        expected=failure.expected,
        got=failure.got,
        evidence=evidence or evidence_of(failure),
    )


def written(story: Story, statement: str) -> Written:
    """The proof of a story; `statement` is the clause in words."""
    return Written(_sent(story), tuple(commands(story)), script(story, statement), pytest_file(story, statement))


def _sent(story: Story) -> str:
    if not story.steps:
        return "nothing"
    steps = story.evidence.steps if story.evidence else set()
    shown = [step for step in story.steps if step.number in steps] or [story.steps[-1]]
    return sent_in_words(shown[-1].exchange)
