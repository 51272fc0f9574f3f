"""A scenario whose outcome depends on time, played once more alone before its failure counts."""

from __future__ import annotations

from collections.abc import Callable

from adjourn_contract.engine.outcomes import ClauseFailed, TryAlone
from adjourn_contract.engine.run import Run

__all__ = ["retried"]


def retried(run: Run, play: Callable[[], object], again: Callable[[], object] | None = None) -> None:
    """Play a scenario; where it fails, play it once more, and report both results.

    Args:
        run: takes a note of a failure that did not repeat.
        play: the scenario.
        again: the scenario of the second time, the same by default.

    Raises:
        ClauseFailed: it failed both times; the text has both results.
        TryAlone: it failed, and other tests run at the same time.
    """
    try:
        play()
    except ClauseFailed as failed:
        # The name is gone behind the clause.
        first = failed
    else:
        return

    def play_again() -> None:
        try:
            (again or play)()
        except ClauseFailed as second:
            got = f"{second.got}; the first time {first.clause}: {first.got}"
            raise ClauseFailed(second.clause, second.expected, got, second.exchanges) from first
        text = f"{first.clause} failed once and passed when it was tried again alone"
        run.add_note(f"{text}: expected {first.expected}, got {first.got}")

    if run.has_company:
        raise TryAlone(play_again)
    play_again()
