"""Scenarios side by side: what bounds them, and what must not depend on their order."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from runs import KEY, OTHER, run_against

from adjourn_contract.check import CheckOptions, check_in_process
from adjourn_contract.engine.concurrency import Ahead, concurrency_for
from adjourn_contract.engine.numbering import Numbering, current, in_scope
from adjourn_contract.engine.outcomes import ClauseFailed
from adjourn_contract.engine.retrial import retried
from adjourn_contract.transport.exchange import OutOfTime
from adjourn_contract.transport.wire import Wire
from adjourn_mock import MockServer, create_app
from adjourn_spec import load_contract


@pytest.mark.parametrize(("latency_seconds", "concurrency"), [(0.0, 4), (0.04, 13), (0.1, 32), (2.0, 32)])
def test_the_concurrency_grows_with_the_latency_up_to_a_bound(latency_seconds: float, concurrency: int) -> None:
    assert concurrency_for(latency_seconds) == concurrency


def test_a_function_that_waits_takes_no_thread_from_the_others() -> None:
    ahead, release = Ahead(1), threading.Event()
    ahead.start("waiting", lambda: release.wait(10) and None, waits=True)
    ahead.start("other", lambda: None)
    ahead.result("other")
    assert ahead.has("waiting")
    release.set()
    ahead.result("waiting")
    ahead.stop()


def test_functions_that_have_not_begun_are_not_started_after_a_stop() -> None:
    ahead, release, begun = Ahead(1), threading.Event(), threading.Event()
    called: list[str] = []

    def first() -> None:
        begun.set()
        release.wait(10)

    ahead.start("first", first)
    ahead.start("second", lambda: called.append("second"))
    begun.wait(10)
    threading.Timer(0.05, release.set).start()
    ahead.stop()
    assert called == []


def test_names_depend_on_the_scope_and_not_on_the_thread_or_the_order() -> None:
    def names(order: list[int]) -> dict[int, list[str]]:
        outer = Numbering()
        acts = [in_scope(outer, lambda: [current(outer).next() for _ in range(2)]) for _ in range(3)]
        return {place: acts[place]() for place in order}

    assert names([0, 1, 2]) == names([2, 0, 1])
    assert len({name for each in names([0, 1, 2]).values() for name in each}) == 6


def test_a_failure_that_depends_on_time_is_tried_again_when_no_other_test_runs() -> None:
    tries: list[str] = []

    def play() -> None:
        tries.append(threading.current_thread().name)
        if len(tries) == 1:
            raise ClauseFailed("close.expired", "nothing", "a late answer")

    with MockServer() as server, run_against(server.url) as run:
        run.concurrency = 4
        run.run_ahead({"timed": lambda: retried(run, play)}, ())
        run.result_of("timed")
        run.stop_ahead()
        (note,) = run.observe().notes
    assert [name == threading.current_thread().name for name in tries] == [False, True]
    assert "passed when it was tried again alone" in note


def test_a_failure_is_tried_again_at_once_where_no_other_test_runs() -> None:
    results = iter(["once", "twice"])

    def play() -> None:
        raise ClauseFailed("close.expired", "nothing", next(results))

    both = r"twice; the first time close\.expired: once"
    with MockServer() as server, run_against(server.url) as run, pytest.raises(ClauseFailed, match=both):
        retried(run, play)


def test_no_request_is_sent_after_the_limit_of_requests_and_every_session_is_closed() -> None:
    app = create_app()
    with MockServer(app) as server:
        options = CheckOptions(url=server.url, secret_key=KEY, other_secret_key=OTHER, max_requests=120)
        verdicts = check_in_process(load_contract(), options)
        rows = [row for each in app.environments for row in each.journal]
    assert verdicts.exit_code == 2
    assert verdicts.observed.requests <= 120
    assert len(rows) <= 120
    assert verdicts.observed.left_open == 0
    assert verdicts.remedies["--max-requests"] > 10


def test_a_wire_sends_no_more_than_its_allowance() -> None:
    with MockServer() as server:
        wire = Wire(server.url)
        wire.allowance = lambda: 2
        for _ in range(2):
            wire.send("GET", "/openapi.json", ())
        with pytest.raises(OutOfTime, match="limit of requests") as failed:
            wire.send("GET", "/openapi.json", ())
        wire.close()
    assert failed.value.remedy == "--max-requests"


def test_no_second_has_more_requests_than_the_rate_whatever_runs_side_by_side() -> None:
    app = create_app()
    with MockServer(app) as server:
        wire = Wire(server.url, rate=20)
        moments: list[float] = []

        def send() -> None:
            for _ in range(10):
                wire.pace()
                moments.append(time.monotonic())

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wire.close()
    moments.sort()
    most = max(Counter(sum(start <= each < start + 1 for each in moments) for start in moments))
    assert most <= 20


def test_no_function_runs_during_a_pause() -> None:
    ahead, release, begun = Ahead(1), threading.Event(), threading.Event()
    called: list[str] = []

    def first() -> None:
        begun.set()
        release.wait(10)
        called.append("first")

    ahead.start("first", first)
    ahead.start("second", lambda: called.append("second"))
    begun.wait(10)
    threading.Timer(0.05, release.set).start()
    with ahead.paused():
        assert called == ["first"]
    ahead.result("second")
    ahead.stop()
    assert called == ["first", "second"]
