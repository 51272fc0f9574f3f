"""pytest is the engine: options, the run, the order of the tests, and what each reports.

    pytest --pyargs adjourn_contract --adjourn-url http://127.0.0.1:3031

Only pytest is imported until a test of ours is collected.
"""

from __future__ import annotations

import argparse
import inspect
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from adjourn_contract.engine.run import Run
    from adjourn_contract.engine.scenario import Scenario
    from adjourn_contract.reports.outcome import Observed

__all__ = ["CLAUSES", "OBSERVED", "OUTCOME", "RUN", "STOP"]

# Names of what a report carries in its user_properties: how a test ended, what was measured after the last test,
# and why no further test can run.
OUTCOME, OBSERVED, STOP = "adjourn", "adjourn-observed", "adjourn-stop"
CLAUSES = pytest.StashKey[tuple[str, ...]]()
RUN = pytest.StashKey["Run"]()

_ORDER = (
    "test_packs",
    "test_pack_operations",
    "test_auth",
    "test_tokens",
    "test_bodies",
    "test_reasons",
    "test_ids",
    "test_matching",
    "test_closing",
    "test_environments",
    "test_lists",
    "test_updates",
    "test_creates",
    "test_members",
    "test_grey_zones",
    "test_paths",
    "test_sequences",
    "test_races",
    "test_volume",
    "test_time",
    "test_machine",
    "test_schemathesis",
)
# What everything else builds on, so that a fault in it is reported as that.
_FIRST = (
    "test_a_friendly_id_means_its_row",
    "test_an_external_id_means_its_row",
    "test_without_a_reason_closed_reason_is_null",
    "test_an_unknown_id_is_404_and_creates_nothing",
    "test_every_sort_of_session_closes_once_and_stays_as_it_was",
)
_PROFILES = ("smoke", "standard", "thorough")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("adjourn", "contract tests of the Sessions API")
    group.addoption("--adjourn-url", help="the server to check; TRIGGER_API_URL by default")
    group.addoption("--adjourn-secret-key", help="its secret key; TRIGGER_SECRET_KEY by default")
    group.addoption(
        "--adjourn-other-secret-key", help="a key of another environment; ADJOURN_OTHER_SECRET_KEY by default"
    )
    group.addoption("--adjourn-spec", help="another OpenAPI document")
    group.addoption("--adjourn-dialect", choices=["documented", "server"], help="require a dialect in the grey zones")
    group.addoption("--adjourn-profile", default="standard", choices=_PROFILES, help="how much is tried")
    group.addoption("--adjourn-clause", action="append", default=[], help="only clauses that match; repeatable")
    group.addoption("--adjourn-rate", type=float, help="upper limit of requests a second")
    group.addoption("--adjourn-time-budget", type=float, help="upper limit of seconds for the whole check")
    # The moment at which the budget is used up, in seconds of the epoch: other processes measure from an earlier start.
    group.addoption("--adjourn-ends-at", type=float, help=argparse.SUPPRESS)
    group.addoption("--adjourn-seed", type=int, help="the same seed sends the same requests")
    group.addoption("--adjourn-session-pool", help="a file with sessions, for a server without create")
    group.addoption("--adjourn-header", action="append", default=[], help="NAME:VALUE added to every request")
    group.addoption("--adjourn-task", help="taskIdentifier of the sessions that are created")
    group.addoption("--adjourn-region", help="a region that the account has")
    group.addoption("--adjourn-lock-to-version", help="a version that the account has")
    group.addoption("--adjourn-list-lag", type=float, help="how many seconds a list may lag behind a write; 3")
    group.addoption("--adjourn-depth", type=int, help="try every sequence of so many operations")
    group.addoption("--adjourn-max-requests", type=int, help="upper limit of requests for the whole check")
    group.addoption("--adjourn-concurrency", type=int, help="scenarios that run at once; by the latency by default")
    group.addoption(
        "--adjourn-fail-fast",
        action="store_true",
        help="stop at the first failed clause; unlike -x, go on where its requests do not show the failure again",
    )
    group.addoption("--adjourn-no-proxy", action="store_true", help="ignore the proxies of the environment")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clause(*slugs): the clauses of the contract that a test covers")
    config.addinivalue_line(
        "markers", "partly(*slugs): clauses of which a test tries so few cases that it can fail but not pass them"
    )
    config.addinivalue_line("markers", "smoke: a test of the smoke profile, which has those alone that reveal most")
    config.addinivalue_line("markers", "alone: a test beside which no other may run")
    config.addinivalue_line("markers", "waits: a test that mostly waits; it takes no place from others")
    config.addinivalue_line(
        "markers", "profile(*names): the profiles that a test belongs to besides smoke, all by default"
    )


def _is_ours(item: pytest.Item) -> bool:
    return bool(_slugs(item, "clause", "partly")) and "adjourn_run" in getattr(item, "fixturenames", ())


def _slugs(item: pytest.Item, *markers: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(slug for name in markers for marker in item.iter_markers(name) for slug in marker.args))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if _is_ours(item)]
    if not ours:
        return
    for item in ours:
        item.stash[CLAUSES] = _slugs(item, "clause")
    chosen = [item for item in ours if _is_asked_for(item, config)]
    config.hook.pytest_deselected(items=[item for item in ours if item not in chosen])
    items[:] = [*(item for item in items if not _is_ours(item)), *sorted(chosen, key=_place)]


def _is_asked_for(item: pytest.Item, config: pytest.Config) -> bool:
    globs = config.getoption("--adjourn-clause")
    profiles = item.get_closest_marker("profile")
    profile = config.getoption("--adjourn-profile")
    if profile == "smoke" and item.get_closest_marker("smoke") is None:
        return False
    if profiles is not None and profile not in profiles.args:
        return False
    return not globs or any(fnmatchcase(slug, glob) for slug in _slugs(item, "clause", "partly") for glob in globs)


def _place(item: pytest.Item) -> tuple[int, int, int]:
    """The most revealing first, so that `--fail-fast` ends early: what smoke has, then the rest, module by module."""
    name = item.path.stem
    module = _ORDER.index(name) if name in _ORDER else len(_ORDER)
    if item.name in _FIRST:
        return 0, -1, _FIRST.index(item.name)
    rest = 0 if item.get_closest_marker("smoke") is not None else len(_ORDER) + 1
    return (2 if _is_alone(item) else 1 if _waits(item) else 0), rest + module, 0


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def _waits(item: pytest.Item) -> bool:
    return item.get_closest_marker("waits") is not None


@pytest.fixture(scope="session")
def adjourn_run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """The run of the check: its target, its volume, and what it has to close at the end."""
    from adjourn_contract.cases.variants import variants
    from adjourn_contract.engine.outcomes import NotChecked
    from adjourn_contract.engine.probing import probe
    from adjourn_contract.engine.setup import make_run
    from adjourn_contract.transport.exchange import OutOfTime

    made = make_run(_option_reader(request.config), worker=_worker_of(request.config))
    request.config.stash[RUN] = made
    try:
        probe(made)
        if "createSession" not in made.unsupported:
            # What is wrong with create or retrieve is for the tests to report.
            with suppress(AssertionError, NotChecked, OutOfTime):
                aged = variants(made.contract, made.account)
                made.create_early(aged[: made.profile.aged])
        # A process of pytest-xdist collects all tests, and the main process assigns some of them to it, one by one.
        if not _worker_of(request.config):
            items = request.session.items
            made.run_ahead(_tests_ahead(items, made), [item.nodeid for item in items if _waits(item)])
        yield made
    finally:
        made.stop_ahead()
        made.close_all()
        made.wire.close()


def _tests_ahead(items: Sequence[pytest.Item], run: Run) -> dict[str, Callable[[], None]]:
    """The tests that may run side by side, by node id, in the order in which they are started."""
    from adjourn_contract.engine.numbering import in_scope

    ahead = [item for item in items if isinstance(item, pytest.Function) and _is_ours(item) and not _is_alone(item)]
    return {item.nodeid: in_scope(run.numbering, partial(_call, item, run)) for item in ahead}


def _call(item: pytest.Function, run: Run) -> None:
    """Call a test with the run, or a scenario of its own, for its fixtures."""
    values = {"run": run, "adjourn_run": run, "scenario": run.scenario(), "adjourn_scenario": run.scenario()}
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    item.obj(**{name: {**values, **parameters}[name] for name in inspect.signature(item.obj).parameters})


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """The result of a test that runs ahead is fetched; any other is called by pytest."""
    run = pyfuncitem.config.stash.get(RUN, None)
    if run is None or not run.is_ahead(pyfuncitem.nodeid):
        return None
    run.result_of(pyfuncitem.nodeid)
    return True


def _option_reader(config: pytest.Config) -> Any:
    """Reads an option by its name without the prefix, else from an environment variable; an empty text is None."""

    def option(name: str, variable: str | None = None) -> Any:
        value = config.getoption(f"--adjourn-{name}")
        value = os.environ.get(variable) if value in (None, []) and variable else value
        return None if value == "" else value

    return option


def _worker_of(config: pytest.Config) -> str:
    """The id of this process among those of pytest-xdist, or an empty text."""
    return str(getattr(config, "workerinput", {}).get("workerid", ""))


@pytest.fixture
def adjourn_scenario(adjourn_run: Run) -> Scenario:
    """A scenario of its own, whose requests are the proof."""
    return adjourn_run.scenario()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if not _is_ours(item):
        return (yield)
    # We report what failed; pytest's own picture of it costs time, and has failed itself where frames were deep.
    style = item.config.getoption("tbstyle", "auto")
    item.config.option.tbstyle = "native"
    report = yield
    item.config.option.tbstyle = style
    error = call.excinfo.value if call.excinfo else None
    run = item.config.stash.get(RUN, None)
    if call.when == "setup" and error is not None:
        _report_setup(item, report, error)
    elif call.when == "call" and run is not None:
        _report_call(item, report, error, run)
    elif call.when == "teardown" and run is not None:
        # The session's fixtures are torn down with its last test: sessions were closed meanwhile.
        observed = run.observe()
        if observed.requests or observed.left_open:
            report.user_properties.append((OBSERVED, _as_dict(observed)))
    return report


def _report_setup(item: pytest.Item, report: pytest.TestReport, error: BaseException) -> None:
    """Where the run could not be made, no test can run: report that once and end the session."""
    from adjourn_contract.engine.outcomes import TargetUnusable
    from adjourn_contract.transport.exchange import OutOfTime

    if isinstance(error, TargetUnusable | OutOfTime):
        _stop(item, report, error)
        report.longrepr = str(error)


def _stop(item: pytest.Item, report: pytest.TestReport, error: BaseException) -> None:
    """End the session after this test: no other could run."""
    remedy = getattr(error, "remedy", None)
    report.user_properties.append((STOP, {"reason": str(error), "unusable": remedy is None, "remedy": remedy}))
    item.session.shouldstop = str(error)


def _report_call(item: pytest.Item, report: pytest.TestReport, error: BaseException | None, run: Run) -> None:
    from adjourn_contract.engine.outcomes import ClauseFailed, NotChecked
    from adjourn_contract.engine.reporting import outcome_of, proof_text
    from adjourn_contract.transport.exchange import OutOfTime

    outcome = outcome_of(run, item.nodeid, item.name, item.stash[CLAUSES], error)
    report.user_properties.append((OUTCOME, {**outcome.as_dict(), "seconds": report.duration}))
    if isinstance(error, ClauseFailed):
        report.longrepr = proof_text(run, outcome)
        if item.config.getoption("--adjourn-fail-fast") and outcome.is_repeated:
            item.session.shouldfail = f"{error.clause} failed"
    elif isinstance(error, NotChecked | OutOfTime):
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1] or 0, f"Skipped: {error}")
        if isinstance(error, OutOfTime):
            _stop(item, report, error)


def _as_dict(observed: Observed) -> Any:
    from msgspec import to_builtins

    return to_builtins(observed)
