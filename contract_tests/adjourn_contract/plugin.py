"""pytest is the engine: options, the run, the order of the tests, and what each reports.

    pytest --pyargs adjourn_contract --adjourn-url http://127.0.0.1:3031

Only pytest is imported until a test of ours is collected.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from adjourn_contract.engine.run import Run
    from adjourn_contract.engine.scenario import Scenario

__all__ = ["OUTCOME"]

OUTCOME = "adjourn"
_ORDER = (
    "test_auth", "test_bodies", "test_reasons", "test_ids", "test_matching", "test_closing", "test_environments",
    "test_lists", "test_updates", "test_creates", "test_paths", "test_races", "test_volume",
    "test_time", "test_machine", "test_schemathesis",
)  # fmt: skip
# What everything else builds on, so that a fault in it is told as that.
_FIRST = (
    "test_a_friendly_id_means_its_row",
    "test_an_external_id_means_its_row",
    "test_without_a_reason_it_is_null",
    "test_an_unknown_id_is_404_and_makes_nothing",
    "test_every_sort_of_session_closes_once_and_stays_as_it_was",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("adjourn", "contract tests of the Sessions API")
    group.addoption("--adjourn-url", help="the server to check; TRIGGER_API_URL by default")
    group.addoption("--adjourn-secret-key", help="its secret key; TRIGGER_SECRET_KEY by default")
    group.addoption(
        "--adjourn-other-secret-key", help="one of another environment; ADJOURN_OTHER_SECRET_KEY by default"
    )
    group.addoption("--adjourn-spec", help="another OpenAPI document")
    group.addoption("--adjourn-dialect", choices=["documented", "server"], help="hold the grey zones to a dialect")
    group.addoption("--adjourn-profile", default="standard", choices=["smoke", "standard", "thorough"])
    group.addoption("--adjourn-clause", action="append", default=[], help="only clauses like this; repeatable")
    group.addoption("--adjourn-rate", type=float, help="the most requests a second")
    group.addoption("--adjourn-time-budget", type=float, help="the most seconds the check may take")
    group.addoption("--adjourn-seed", type=int, help="the same seed sends the same requests")
    group.addoption("--adjourn-session-pool", help="sessions made beforehand, where there is no create")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clause(*slugs): the clauses of the contract that a test holds")


def _is_ours(item: pytest.Item) -> bool:
    return item.get_closest_marker("clause") is not None and "adjourn_run" in getattr(item, "fixturenames", ())


def _clauses(item: pytest.Item) -> tuple[str, ...]:
    return tuple(slug for marker in item.iter_markers("clause") for slug in marker.args)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if _is_ours(item)]
    if not ours:
        return
    wanted = config.getoption("--adjourn-clause")
    chosen = [
        item
        for item in ours
        if not wanted or any(fnmatchcase(slug, glob) for slug in _clauses(item) for glob in wanted)
    ]
    config.hook.pytest_deselected(items=[item for item in ours if item not in chosen])

    def place(item: pytest.Item) -> tuple[int, int]:
        if item.name in _FIRST:
            return -1, _FIRST.index(item.name)
        name = item.path.stem
        return (_ORDER.index(name) if name in _ORDER else len(_ORDER)), 0

    items[:] = [*(item for item in items if not _is_ours(item)), *sorted(chosen, key=place)]


def make_run(config: pytest.Config) -> Run:
    """The run that the options and the environment ask for.

    Raises:
        TargetUnusable: an option is missing or wrong, or the target cannot be checked.
    """
    import random

    from adjourn_contract.engine.outcomes import TargetUnusable
    from adjourn_contract.engine.run import PROFILES, Run
    from adjourn_contract.transport.wire import Wire
    from adjourn_spec import DocumentError, load_contract

    def option(name: str, variable: str | None = None) -> Any:
        value = config.getoption(f"--adjourn-{name}")
        return os.environ.get(variable) if value is None and variable else value

    url, key = option("url", "TRIGGER_API_URL"), option("secret-key", "TRIGGER_SECRET_KEY")
    if not url or not key:
        raise TargetUnusable("give the server's URL and secret key: --adjourn-url, --adjourn-secret-key")
    other_key = option("other-secret-key", "ADJOURN_OTHER_SECRET_KEY") or None
    if other_key == key:
        raise TargetUnusable("the other secret key must be one of another environment, not the same")
    seed, budget = option("seed"), option("time-budget")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    tag = f"{random.SystemRandom().getrandbits(40) if seed is None else seed:x}{worker}"
    try:
        contract = load_contract(option("spec"))
        run = Run(
            wire=Wire(url, rate=option("rate")),
            contract=contract,
            key=key,
            other_key=other_key,
            dialect=option("dialect"),
            profile=PROFILES[option("profile")],
            tag=tag,
            pool=read_pool(option("session-pool")),
        )
    except (DocumentError, ValueError) as error:
        raise TargetUnusable(str(error)) from None
    run.url = url
    if budget:
        run.wire.deadline = time.monotonic() + budget
    return run


def read_pool(path: str | None) -> list[dict[str, Any]]:
    """Sessions made beforehand: a list of `{id: ..., externalId: ...}`."""
    from adjourn_spec import DocumentError, read_document

    if path is None:
        return []
    value = read_document(path)
    sessions = value.get("sessions") if isinstance(value, dict) else value
    if not isinstance(sessions, list) or not all(
        isinstance(each, dict) and isinstance(each.get("id"), str) for each in sessions
    ):
        raise DocumentError(path, "", "must be a list of sessions, each with its id")
    return list(sessions)


@pytest.fixture(scope="session")
def adjourn_run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """The run of the check: its target, its volume, and what it has to close in the end."""
    from adjourn_contract.cases.variants import variants
    from adjourn_contract.engine.outcomes import NotChecked, TargetUnusable
    from adjourn_contract.transport.exchange import OutOfTime

    try:
        made = make_run(request.config)
        made.probe()
    except (TargetUnusable, OutOfTime) as trouble:
        pytest.exit(str(trouble), returncode=2)
    if "createSession" not in made.unsupported:
        # What is wrong with create or retrieve is for the tests to tell.
        with suppress(AssertionError, NotChecked, OutOfTime):
            aged = variants(made.contract)
            made.create_early(aged if made.profile.lifecycles > 10 else aged[:3])
    yield made
    made.close_all()
    made.wire.close()


@pytest.fixture
def adjourn_scenario(adjourn_run: Run) -> Scenario:
    """A story of its own, for the proof."""
    return adjourn_run.scenario()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if call.when != "call" or not _is_ours(item):
        return (yield)
    # We tell what failed; pytest's own picture of it costs time, and has failed itself where frames were deep.
    style = item.config.getoption("tbstyle", "auto")
    item.config.option.tbstyle = "native"
    report = yield
    item.config.option.tbstyle = style
    from adjourn_contract.engine.outcomes import ClauseFailed, NotChecked
    from adjourn_contract.transport.exchange import OutOfTime, Unreachable

    error = call.excinfo.value if call.excinfo else None
    outcome: dict[str, Any] = {"clauses": list(_clauses(item)), "test": item.name}
    run: Run = item.funcargs["adjourn_run"]  # type: ignore[attr-defined]
    outcome["requests"], run.wire.requests = run.wire.requests, 0
    if error is None:
        outcome["outcome"] = "passed"
    elif isinstance(error, ClauseFailed):
        from adjourn_contract.reports.curl import curl_lines

        lines = curl_lines(error.exchanges, run.url, key=run.key, other_key=run.other_key, tag=run.tag)
        outcome |= {
            "outcome": "failed",
            "clause": error.clause,
            "expected": _clean(run, error.expected),
            "got": _clean(run, error.got),
            "curl": lines,
        }
        clause = run.contract.clauses.get(error.clause)
        statement = clause.statement if clause else ""
        report.longrepr = "\n".join(
            [
                f"{error.clause}: {statement}",
                f"  expected {outcome['expected']}",
                f"  got      {outcome['got']}",
                *(f"  {line}" for line in lines),
            ]
        )
    elif isinstance(error, NotChecked | OutOfTime):
        outcome |= {"outcome": "not checked", "reason": str(error)}
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1] or 0, f"Skipped: {error}")
    elif isinstance(error, Unreachable):
        outcome |= {"outcome": "error", "reason": f"the server is no longer reachable: {error}"}
    else:
        outcome |= {"outcome": "error", "reason": f"{item.name} itself failed: {_line(error)}"}
    report.user_properties.append((OUTCOME, outcome))
    return report


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _clean(run: Run, text: str) -> str:
    """A text without the keys."""
    for secret in (run.key, run.other_key):
        if secret:
            text = text.replace(secret, f"{secret[:7]}...")
    return text
