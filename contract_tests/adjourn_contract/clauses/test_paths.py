"""Paths and methods that do not exist."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from adjourn_contract.engine.outcomes import NotApplicable
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario


class Wrong(NamedTuple):
    """A method that a path does not have, and a body that another method of it takes."""

    method: str
    is_collection: bool
    body: Row | None


# HEAD, OPTIONS and exotic methods are answered by many servers' HTTP layer.
WRONG = (
    Wrong("DELETE", False, None),
    Wrong("PUT", False, {"tags": ["wrong method"]}),
    Wrong("POST", False, {"tags": ["wrong method"]}),
    Wrong("DELETE", True, None),
    Wrong("PUT", True, {}),
    Wrong("PATCH", True, {}),
)


@pytest.mark.clause("path.method")
def test_other_methods_on_other_paths_are_405_and_have_no_effect(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    # A server without update may not know the method at all.
    unknown = ("PATCH",) if "updateSession" in run.unsupported else ()
    # Nor does it know a path that has none of its operations.
    has_collection = not {"createSession", "listSessions"} <= run.unsupported.keys()
    for wrong in (each for each in WRONG if each.method not in unknown):
        if wrong.is_collection and not has_collection:
            raise NotApplicable("the server has neither create nor list")
        name = run.name()
        target = run.collection if wrong.is_collection else run.path(row["id"])
        body = wrong.body if wrong.body != {} else {**run.example, "externalId": name}
        answer = scenario.send(wrong.method, target, body)
        what = f"{wrong.method} on {'the collection' if wrong.is_collection else 'a session'}"
        scenario.expect(answer, 405, "path.method", what)
        allowed = [part.strip().upper() for part in (answer.header("allow") or "").split(",")]
        if wrong.method in allowed:
            raise scenario.fail(
                "path.method", f"Allow without the refused {wrong.method}", answer.header("allow") or ""
            )
        seen = scenario.send("GET", run.path(name))
        scenario.expect(seen, 404, "path.method", f"retrieve after {what}")
        scenario.assert_unchanged(row, "path.method")


@pytest.mark.clause("close.method")
def test_a_method_in_lower_case_is_another_method(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for method in ("post", "Post"):
        answer = scenario.send(method, run.close_path(row["id"]), {"reason": "wrong method"})
        if 200 <= answer.status < 300:
            raise scenario.fail("close.method", f"a refusal of the method {method}", answer.summary)
        scenario.assert_unchanged(row, "close.method")


@pytest.mark.clause("path.unknown")
def test_other_paths_are_404(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    for target in (run.close_path(row["id"]) + "/x", run.close_path(row["id"]) + "d", run.raw_close_path("")):
        answer = scenario.send("POST", target, {})
        if 200 <= answer.status < 300:
            raise scenario.fail("path.unknown", "404 for a path that no operation has", answer.summary)
    scenario.assert_unchanged(row, "path.unknown")


@pytest.mark.clause("path.unknown")
def test_a_slash_behind_the_close_path_is_404_or_a_redirect_or_ignored(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
    answer = scenario.send("POST", run.close_path(row["id"]) + "/", {})
    # grey.trailing-slash
    accepted = {"documented": (404,), "server": (301,)}.get(run.dialect or "", (200, 301, 307, 308, 404, 405))
    scenario.expect_status(answer, accepted, "path.unknown", "a slash behind the close path")
    if answer.status == 200:
        row = scenario.validated_row(answer)
        scenario.close_again(row)
    scenario.assert_unchanged(row, "path.unknown")
