"""What list shows, as far as close needs it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.timestamps import seconds


@pytest.mark.clause("list.filter", "row.list")
def test_a_filter_keeps_what_matches_and_nothing_else(run: Run, scenario: Scenario) -> None:
    run.need("listSessions", "createSession")
    kind, task, tag, other = (run.name(what) for what in ("kind", "task", "tag", "other"))
    rows = [
        scenario.open(type=kind, taskIdentifier=task, tags=[tag, other]),
        scenario.open(type=kind, taskIdentifier=other, tags=["x", tag], metadata={"a": 1}),
        scenario.open(type=other, taskIdentifier=task, tags=[]),
        scenario.open(None, type=kind, taskIdentifier=other, tags=[f"{tag}x"]),
    ]
    moments = [int(seconds(row["createdAt"]) * 1000) for row in rows]
    hour = 3_600_000
    cases: list[tuple[dict[str, Any], set[int]]] = [
        ({"type": kind}, {0, 1, 3}), ({"type": other}, {2}), ({"type": f"{kind}x"}, set()), ({"type": kind.upper()}, set()),
        ({"tags": tag}, {0, 1}), ({"tags": other}, {0}), ({"tags": tag[:-1]}, set()),
        ({"taskIdentifier": task}, {0, 2}), ({"taskIdentifier": other}, {1, 3}), ({"taskIdentifier": task[:-1]}, set()),
        ({"externalId": rows[0]["externalId"]}, {0}), ({"externalId": run.name()}, set()),
        ({"type": kind, "tags": tag, "taskIdentifier": task}, {0}), ({"type": other, "tags": tag}, set()), ({"type": kind, "status": "ACTIVE"}, {0, 1, 3}), ({"type": kind, "status": "CLOSED"}, set()),
        ({"type": kind, "createdAt": {"from": min(moments) - hour}}, {0, 1, 3}), ({"type": kind, "createdAt": {"from": max(moments) + hour}}, set()),
        ({"type": kind, "createdAt": {"to": max(moments) + hour}}, {0, 1, 3}), ({"type": kind, "createdAt": {"to": min(moments) - hour}}, set()),
        ({"type": kind, "createdAt": {"from": min(moments) - hour, "to": max(moments) + hour}}, {0, 1, 3}), ({"type": kind, "createdAt": {"period": "1d"}}, {0, 1, 3}),
    ]  # fmt: skip
    for keep, wanted in cases:
        shown = {row["id"] for row in scenario.listed(**keep)}
        for number, row in enumerate(rows):
            if (row["id"] in shown) != (number in wanted):
                expected = f"{'the' if number in wanted else 'no'} session {row['id']} in a list filtered by {keep}"
                raise scenario.fail("list.filter", expected, "it is there" if row["id"] in shown else "it is not there")
    closed = scenario.close(rows[0], {"reason": "listed"})
    for status, wanted in (("ACTIVE", {1, 3}), ("CLOSED", {0})):
        shown = {row["id"] for row in scenario.listed(type=kind, status=status)}
        if shown != {rows[number]["id"] for number in wanted}:
            raise scenario.fail("close.listed", f"the sessions of a type that are {status}", repr(sorted(shown)))
    scenario.assert_unchanged(closed, "close.persisted")


@pytest.mark.clause("list.order", "list.page", "list.cursors")
def test_lists_page_newest_first(run: Run, scenario: Scenario) -> None:
    run.need("listSessions", "createSession")
    kind = run.name("paged")
    made = []
    for _ in range(4):
        made.append(scenario.open(type=kind))
        time.sleep(0.01)
    newest_first = [row["id"] for row in reversed(made)]
    if {row["id"] for row in scenario.listed(type=kind)} != set(newest_first):
        raise scenario.fail("list.filter", "the sessions of a type", scenario.exchanges[-1].summary)
    # A close and an update make a session no newer.
    scenario.close(made[0], {"reason": "the oldest"})
    if "updateSession" not in run.unsupported:
        scenario.send("PATCH", run.path(made[1]["id"]), {"tags": ["touched"]})
    listed = [row["id"] for row in scenario.listed(type=kind)]
    if len({row["createdAt"] for row in made}) == len(made) and listed != newest_first:
        raise scenario.fail("list.order", f"the newest session first: {newest_first}", repr(listed))
    for size in (1, 3):
        assert_pages(scenario, kind, size, listed)


def assert_pages(scenario: Scenario, kind: str, size: int, listed: list[str]) -> None:
    """Walk from the newest page to the oldest, and a step back."""
    seen: list[str] = []
    cursors: dict[str, Any] = {}
    while True:
        page = scenario.page(type=kind, page={"size": size, **cursors})
        ids = [row["id"] for row in page["data"]]
        if len(ids) > size or (len(ids) < size and len(seen) + len(ids) < len(listed)):
            raise scenario.fail("list.page", f"a page of {size}", f"{len(ids)} rows")
        if seen and ids and isinstance(previous := page["pagination"].get("previous"), str):
            back = [row["id"] for row in scenario.page(type=kind, page={"size": size, "before": previous})["data"]]
            if back != seen[-len(back) :] or not back:
                raise scenario.fail("list.cursors", f"the page before: {seen[-size:]}", repr(back))
        seen += ids
        following = page["pagination"].get("next")
        if following is None or not ids:
            break
        if len(seen) > len(listed):
            raise scenario.fail("list.cursors", "each session once", repr(seen))
        cursors = {"after": following}
    if seen != listed:
        raise scenario.fail("list.cursors", f"all sessions over pages of {size}: {listed}", repr(seen))


@pytest.mark.clause("list.page")
def test_a_page_has_as_many_rows_as_asked_for(run: Run, scenario: Scenario) -> None:
    run.need("listSessions", "createSession")
    sizes = run.contract.schema("Page").definition["properties"]["size"]
    kind = run.name("sizes")
    for _ in range(sizes["default"] + 1):
        scenario.create(type=kind)
    for size, count in ((None, sizes["default"]), (sizes["minimum"], 1), (sizes["maximum"], sizes["default"] + 1)):
        found = len(scenario.page(type=kind, page={} if size is None else {"size": size})["data"])
        if found != count:
            raise scenario.fail("list.page", f"{count} rows of {sizes['default'] + 1} on a page of {size}", str(found))


@pytest.mark.clause("list.invalid")
def test_queries_that_break_their_schema_are_refused(run: Run) -> None:
    run.need("listSessions")
    sizes = run.contract.schema("Page").definition["properties"]["size"]
    size = "page%5Bsize%5D="
    wrong = {
        "a page size below the least": f"{size}{sizes['minimum'] - 1}",
        "a page size above the most": f"{size}{sizes['maximum'] + 1}",
        "a negative page size": f"{size}-1",
        "a page size that is a word": f"{size}many",
        "a page size that is no whole number": f"{size}1.5",
        "a state that there is none of": "filter%5Bstatus%5D=OPEN",
        "a state in lower case": "filter%5Bstatus%5D=closed",
        "both cursors": "page%5Bafter%5D=cabc&page%5Bbefore%5D=cabc",
        "a moment that is a word": "filter%5BcreatedAt%5D%5Bfrom%5D=today",
        "a last moment that is a word": "filter%5BcreatedAt%5D%5Bto%5D=today",
    }

    def play(scenario: Scenario, case: tuple[str, str]) -> None:
        what, query = case
        answer = scenario.send("GET", f"{run.collection}?{query}")
        scenario.expect(answer, (400, 422), "list.invalid", f"a list with {what}")

    run.each(wrong.items(), play)


@pytest.mark.clause("close.listed", "list.filter", "row.list")
def test_after_close_the_session_is_listed_as_closed(run: Run) -> None:
    run.need("listSessions", "createSession")

    def play(scenario: Scenario, case: tuple[Row, str | None]) -> None:
        members, reason = case
        row = scenario.open(**members)
        keep = {"type": row["type"]} if row["externalId"] is None else {"externalId": row["externalId"]}

        def hold(status: str, wanted: bool, when: str) -> Row | None:
            found = next((each for each in scenario.listed(**keep, status=status) if each["id"] == row["id"]), None)
            if (found is not None) != wanted:
                expected = f"{when} session {'in' if wanted else 'missing from'} the list of {status} ones"
                raise scenario.fail("close.listed", expected, "it is there" if found else "it is not there")
            return found

        hold("ACTIVE", True, "an open")
        hold("CLOSED", False, "an open")
        closed = scenario.close(row, {} if reason is None else {"reason": reason}, by=ids_of(row)[-1])
        found = hold("CLOSED", True, "a closed")
        hold("ACTIVE", False, "a closed")
        hold("EXPIRED", False, "a closed")
        assert found is not None
        shown = {name: value for name, value in closed.items() if name != "triggerConfig"}
        if "currentRunId" not in found:
            del shown["currentRunId"]
        scenario.assert_same(shown, found, "row.list", "a list")

    nameless: Row = {"external_id": None, "type": run.name("nameless")}
    sorts: list[Row] = [
        {},
        {"type": "another.type"},
        {"tags": ["a"], "metadata": {"a": 1}},
        {"expiresAt": "2099-12-31T23:59:59.000Z"},
        nameless,
    ]
    run.each([(sort, reason) for sort in sorts for reason in ("listed", None)], play)
