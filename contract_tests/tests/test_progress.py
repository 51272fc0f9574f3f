"""The progress of a check: on a terminal one line that is written over, and a line for each failed clause."""

from __future__ import annotations

import io

from made_verdicts import failing, made, outcome

from adjourn_contract.check import Progress
from adjourn_contract.reports.outcome import Observed


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        return [line for line in self.getvalue().replace("\r\x1b[K", "\n").split("\n") if line]


def stepped(stream: io.StringIO, requests: int | None) -> None:
    """Two tests of four, ten seconds each; the second one fails."""
    moments = iter([0.0, 10.0, 20.0])
    progress = Progress(stream, requests, lambda: next(moments))
    progress.begin(4)
    verdicts = made(outcome("a", "passed", "close.closes", observed=Observed(requests=100)))
    progress.step(verdicts)
    verdicts.note(failing("b", "reason.verbatim"))
    progress.step(verdicts)
    progress.end()


def test_the_line_has_tests_requests_rate_and_remaining_time() -> None:
    stepped(terminal := Terminal(), 400)
    assert terminal.lines()[0] == "1/4 tests, 100/400 requests, 10/s, about 30 s left, 0 failed"


def test_without_a_known_number_of_requests_the_tests_decide() -> None:
    stepped(terminal := Terminal(), None)
    assert terminal.lines()[0] == "1/4 tests, 100 requests, 10/s, about 30 s left, 0 failed"


def test_a_failed_clause_is_a_line_of_its_own_without_control_characters() -> None:
    stepped(terminal := Terminal(), 400)
    failed = [line for line in terminal.lines() if line.startswith("failed ")]
    assert len(failed) == 1
    assert failed[0].startswith("failed reason.verbatim: expected closedReason 'a', got 'b' <script>")
    assert "\x1b" not in failed[0]
    assert terminal.lines()[-1].endswith("1 failed")


def test_nothing_is_written_where_nobody_looks() -> None:
    stepped(stream := io.StringIO(), 400)
    assert stream.getvalue() == ""
