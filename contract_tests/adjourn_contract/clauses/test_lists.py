"""What list shows, as far as close needs it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import pytest

from adjourn_contract.engine.listing import list_until
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.engine.timestamps import seconds
from adjourn_contract.proofs.evidence import Claim

HOUR_MILLISECONDS = 3_600_000


class Filtered(NamedTuple):
    """Filters, and which of the sessions of a test they match, by number."""

    filters: dict[str, Any]
    matches: frozenset[int]


def filtered(matches: Collection[int] = (), **filters: Any) -> Filtered:
    return Filtered(filters, frozenset(matches))


@pytest.mark.smoke
@pytest.mark.clause("list.filter", "row.list")
@pytest.mark.partly("close.listed")
def test_a_filter_shows_the_sessions_that_match_and_no_others(run: Run, scenario: Scenario) -> None:
    run.need("listSessions", "createSession")
    kind, task, tag, other, second = (run.name(what) for what in ("ki_nd", "ta_sk", "t_ag", "other", "second"))
    rows = [
        scenario.open(type=kind, taskIdentifier=task, tags=[tag, other]),
        scenario.open(type=kind, taskIdentifier=other, tags=[second, tag], metadata={"a": 1}),
        scenario.open(type=other, taskIdentifier=task, tags=[]),
        scenario.open(None, type=kind, taskIdentifier=other, tags=[f"{tag}x"]),
    ]
    wildcard = {"type": kind.replace("ki_nd", "kixnd"), "taskIdentifier": task.replace("ta_sk", "taxsk")}
    rows.append(scenario.open(run.name("a,b_c"), **wildcard, tags=[tag.replace("t_ag", "txag")]))
    moments = [int(seconds(row["createdAt"]) * 1000) for row in rows]
    before, after = min(moments) - HOUR_MILLISECONDS, max(moments) + HOUR_MILLISECONDS
    cases = [
        filtered({0, 1, 3}, type=kind),
        filtered({2}, type=other),
        filtered(type=f"{kind}x"),
        filtered(type=kind[:-1]),
        filtered(type=kind.upper()),
        filtered(type=f"{kind[:-1]}%"),
        filtered({0, 1}, tags=tag),
        filtered({0}, tags=other),
        filtered({1}, tags=second),
        filtered(tags=tag[:-1]),
        filtered(tags=tag.upper()),
        filtered({0, 2}, taskIdentifier=task),
        filtered({1, 3}, taskIdentifier=other),
        filtered(taskIdentifier=task[:-1]),
        filtered(taskIdentifier=task.swapcase()),
        filtered({0}, externalId=rows[0]["externalId"]),
        filtered({4}, externalId=rows[4]["externalId"]),
        filtered(externalId=rows[4]["externalId"].partition(",")[0]),
        filtered(externalId=rows[4]["externalId"].replace("b_c", "bxc")),
        filtered(externalId=rows[0]["externalId"].upper()),
        filtered(externalId=f"{rows[4]['externalId'][:-1]}%"),
        filtered(externalId=f"{rows[4]['externalId'][:-1]}_"),
        filtered(externalId=run.name()),
        filtered({0}, type=kind, tags=tag, taskIdentifier=task),
        filtered(type=other, tags=tag),
        filtered({0, 1, 3}, type=kind, status="ACTIVE"),
        filtered(type=kind, status="CLOSED"),
        filtered(type=kind, status="EXPIRED"),
        filtered({0, 1, 3}, type=kind, createdAt={"from": before}),
        filtered(type=kind, createdAt={"from": after}),
        filtered({0, 1, 3}, type=kind, createdAt={"to": after}),
        filtered(type=kind, createdAt={"to": before}),
        filtered({0, 1, 3}, type=kind, createdAt={"from": before, "to": after}),
        filtered({0, 1, 3}, type=kind, createdAt={"period": "1d"}),
    ]
    for case in cases:
        assert_matches(scenario, rows, case)
    # Several values match any of them, or are one literal value (grey.list-several).
    is_literal = {"documented": (False,), "server": (True,)}.get(run.dialect or "", (False, True))
    for case in (
        filtered({0, 1}, tags=f"{second},{other}"),
        filtered({0, 1}, tags=f"{tag},{other}"),
        filtered({0, 1, 2, 3}, type=f"{other},{kind}"),
        filtered({0, 1, 2, 3}, taskIdentifier=f"{task},{other}"),
    ):
        wanted = [set() if literal else {rows[number]["id"] for number in case.matches} for literal in is_literal]
        assert_shows_one_of(scenario, rows, case.filters, wanted)


def assert_shows_one_of(
    scenario: Scenario, rows: Sequence[Row], filters: dict[str, Any], wanted: Sequence[set[str]]
) -> None:
    """A list has exactly one of some sets of the sessions."""
    ours = _ids(rows)
    found = _ids(list_until(scenario, lambda listed: _ids(listed) & ours in wanted, **filters)) & ours
    if found not in wanted:
        expected = " or ".join(f"{sorted(ids)}" for ids in wanted)
        shown = scenario.reading("member", "data", "*", "id")
        claims = [Claim(shown, "like", ("|".join(map(_pattern, wanted)),))]
        what = f"{expected} in a list filtered by {filters}"
        raise scenario.fail("list.filter", what, f"{sorted(found)}", claims=claims)


def _pattern(ids: Collection[str]) -> str:
    """A regular expression of the JSON of these ids in any order."""
    one = "(" + "|".join(f'"{each}"' for each in sorted(ids)) + ")"
    return rf"^\[({one}(, )?){{{len(ids)}}}\]$" if ids else r"^\[\]$"


def assert_matches(scenario: Scenario, rows: Sequence[Row], case: Filtered) -> None:
    """A list has exactly those of the sessions that its filters match."""
    ours, wanted = _ids(rows), {rows[number]["id"] for number in case.matches}
    listed = list_until(scenario, lambda found: _ids(found) & ours == wanted, **case.filters)
    found = _ids(listed) & ours
    # The same list without the status was right before.
    clause = "close.listed" if "status" in case.filters else "list.filter"
    claims = [Claim(scenario.reading("member", "data", "*", "id"), "like", (_pattern(wanted),))]
    where = f"in a list filtered by {case.filters}"
    if lost := wanted - found:
        raise scenario.fail(clause, f"the session {min(lost)} {where}", "it is not there", claims=claims)
    if more := found - wanted:
        raise scenario.fail(clause, f"no session {min(more)} {where}", "it is there", claims=claims)


def _ids(rows: Sequence[Row]) -> set[str]:
    return {row["id"] for row in rows}


@pytest.mark.clause("list.order", "list.page", "list.cursors")
def test_lists_page_newest_first(run: Run, scenario: Scenario) -> None:
    run.need("listSessions", "createSession")
    kind = run.name("paged")
    made = [scenario.open(type=kind) for _ in range(4)]
    newest_first = [row["id"] for row in reversed(made)]
    shown = list_until(scenario, lambda rows: _ids(rows) == set(newest_first), type=kind)
    if _ids(shown) != set(newest_first):
        claims = [Claim(scenario.reading("member", "data", "*", "id"), "like", (_pattern(newest_first),))]
        raise scenario.fail("list.filter", "the sessions of a type", scenario.exchanges[-1].summary, claims=claims)
    # A close and an update make a session no newer.
    scenario.close(made[0], {"reason": "the oldest"})
    if "updateSession" not in run.unsupported:
        scenario.send("PATCH", run.path(made[1]["id"]), {"tags": ["touched"]})
    is_clear = len({row["createdAt"] for row in made}) == len(made)
    listed = [row["id"] for row in scenario.listed(type=kind)]
    if is_clear and listed != newest_first:
        raise scenario.fail("list.order", f"the newest session first: {newest_first}", repr(listed))
    for size in (1, 3, 4):
        assert_pages(scenario, kind, size, listed)


def assert_pages(scenario: Scenario, kind: str, size: int, listed: list[str]) -> None:
    """Walk from the newest page to the oldest, looking back from each."""
    seen: list[str] = []
    cursors: dict[str, Any] = {}
    first = scenario.page(type=kind, page={"size": size})["pagination"]
    if first.get("previous") is not None:
        raise scenario.fail("list.cursors", "no previous on the first page", repr(first["previous"]))
    while len(seen) < len(listed):
        page = scenario.page(type=kind, page={"size": size, **cursors})
        ids, pagination = [row["id"] for row in page["data"]], page["pagination"]
        wanted = min(size, len(listed) - len(seen))
        if len(ids) != wanted:
            clause = "list.cursors" if set(ids) & set(seen) else "list.page"
            raise scenario.fail(clause, f"{wanted} rows on a page of {size}", f"{len(ids)} rows")
        if set(ids) & set(seen):
            raise scenario.fail("list.cursors", f"the page {listed[len(seen) : len(seen) + wanted]}", repr(ids))
        is_last, following = len(seen) + len(ids) == len(listed), pagination.get("next")
        if is_last != (following is None):
            expected = "no next on the last page" if is_last else "next on a page that another one follows"
            raise scenario.fail("list.cursors", expected, repr(following))
        if seen and isinstance(previous := pagination.get("previous"), str):
            assert_leads_back(scenario, kind, size, seen, previous)
        seen += ids
        cursors = {"after": following}
    if seen != listed:
        raise scenario.fail("list.cursors", f"all sessions over pages of {size}: {listed}", repr(seen))


def assert_leads_back(scenario: Scenario, kind: str, size: int, seen: list[str], previous: str) -> None:
    """The cursor `previous` leads to the end of what was seen before."""
    back = [row["id"] for row in scenario.page(type=kind, page={"size": size, "before": previous})["data"]]
    if not back or back != seen[-len(back) :]:
        raise scenario.fail("list.cursors", f"the page before: {seen[-size:]}", repr(back))


@pytest.mark.clause("list.page")
def test_a_page_has_as_many_rows_as_asked_for(run: Run, scenario: Scenario) -> None:
    run.need("listSessions", "createSession")
    sizes = run.contract.schema("Page").definition["properties"]["size"]
    kind, there = run.name("sizes"), sizes["default"] + 1
    for _ in range(there):
        scenario.create(type=kind)
    list_until(scenario, lambda rows: len(rows) == there, type=kind)
    for size, count in ((None, sizes["default"]), (sizes["minimum"], sizes["minimum"]), (sizes["maximum"], there)):
        found = len(scenario.page(type=kind, page={} if size is None else {"size": size})["data"])
        if found != count:
            raise scenario.fail("list.page", f"{count} rows of {there} on a page of {size}", str(found))


class WrongQuery(NamedTuple):
    """A query that breaks the document's schema, in words and as parameters."""

    what: str
    parameters: dict[str, Any]


def wrong_queries(run: Run) -> list[WrongQuery]:
    sizes = run.contract.schema("Page").definition["properties"]["size"]
    return [
        WrongQuery("a page size above the most", {"page": {"size": sizes["maximum"] + 1}}),
        WrongQuery("a status that does not exist", {"filter": {"status": "OPEN"}}),
        WrongQuery("both cursors", {"page": {"after": "cabc", "before": "cabc"}}),
        WrongQuery("a first moment that is a word", {"filter": {"createdAt": {"from": "today"}}}),
        WrongQuery("a page size that is a word", {"page": {"size": "many"}}),
        WrongQuery("a page size below the least", {"page": {"size": sizes["minimum"] - 1}}),
        WrongQuery("a negative page size", {"page": {"size": -1}}),
        WrongQuery("a page size that is not a whole number", {"page": {"size": 1.5}}),
        WrongQuery("a status in lower case", {"filter": {"status": "closed"}}),
        WrongQuery("a last moment that is a word", {"filter": {"createdAt": {"to": "today"}}}),
    ]


@pytest.mark.smoke
@pytest.mark.clause("list.invalid")
def test_a_query_that_breaks_its_schema_is_refused(run: Run) -> None:
    run.need("listSessions")

    def play(scenario: Scenario, wrong: WrongQuery) -> None:
        answer = scenario.list_query(wrong.parameters)
        scenario.expect(answer, (400, 422), "list.invalid", f"a list with {wrong.what}")

    run.each(wrong_queries(run), play, whole=True, few=5)


# What JavaScript's coercions let pass (grey.list-lenient): refused, or read in some way, but not a server error.
LENIENT = (
    WrongQuery("a period of words", {"filter": {"createdAt": {"period": "1 hour"}}}),
    WrongQuery("a period that is not one", {"filter": {"createdAt": {"period": "abc"}}}),
    WrongQuery("an exponent as page size", {"page": {"size": "1e1"}}),
    WrongQuery("an empty externalId", {"filter": {"externalId": ""}}),
    WrongQuery("an empty cursor", {"page": {"after": ""}}),
    WrongQuery("a cursor of another form", {"page": {"after": "zzz"}}),
)


@pytest.mark.clause("server.no-error")
def test_a_query_that_some_read_leniently_is_no_server_error(run: Run) -> None:
    run.need("listSessions")

    def play(scenario: Scenario, wrong: WrongQuery) -> None:
        answer = scenario.list_query(wrong.parameters)
        scenario.expect(answer, (200, 400, 404, 422), "server.no-error", f"a list with {wrong.what}")

    run.each(LENIENT, play)


class Listed(NamedTuple):
    """A session to close and look up in lists."""

    members: Row
    reason: str | None


def sessions_to_list(run: Run) -> list[Listed]:
    nameless: Row = {"external_id": None, "type": run.name("nameless")}
    return [
        Listed({}, "listed"),
        Listed(nameless, None),
        Listed({"tags": ["a"], "metadata": {"a": 1}}, "listed"),
        Listed({"expiresAt": "2099-12-31T23:59:59.000Z"}, None),
        Listed({"type": "Another.Type"}, "listed"),
        Listed({}, None),
        Listed(nameless, "listed"),
    ]


@pytest.mark.smoke
@pytest.mark.clause("close.listed", "list.filter", "row.list")
def test_after_close_the_session_is_listed_as_closed(run: Run) -> None:
    run.need("listSessions", "createSession")

    def play(scenario: Scenario, case: Listed) -> None:
        row = scenario.open(**case.members)
        assert_listed(scenario, row, {"ACTIVE"}, "an open")
        body = {} if case.reason is None else {"reason": case.reason}
        closed = scenario.close(row, body, by=ids_of(row)[-1])
        assert_listed(scenario, closed, {"CLOSED"}, "a closed")

    run.each(sessions_to_list(run), play)


def assert_listed(scenario: Scenario, row: Row, statuses: Collection[str], what: str) -> None:
    """A session is in the lists of its statuses, as it is, and in no others."""
    names = scenario.target.contract.schema("Status").definition["enum"]
    filters = {"type": row["type"]} if row["externalId"] is None else {"externalId": row["externalId"]}
    for status in sorted(names, key=lambda name: name not in statuses):
        wanted = status in statuses

        def is_right(rows: Sequence[Row], wanted: bool = wanted) -> bool:
            return any(each["id"] == row["id"] for each in rows) == wanted

        rows = list_until(scenario, is_right, **filters, status=status)
        if not is_right(rows):
            expected = f"{what} session {'in' if wanted else 'missing from'} the list of {status} ones"
            raise scenario.fail("close.listed", expected, "it is not there" if wanted else "it is there")
        for found in rows:
            if found["id"] == row["id"]:
                assert_same_in_list(scenario, row, found)


def assert_same_in_list(scenario: Scenario, row: Row, found: Row) -> None:
    shown = {name: value for name, value in row.items() if name != "triggerConfig"}
    if "currentRunId" not in found:
        del shown["currentRunId"]
    scenario.assert_same(shown, found, "row.list", "a list")
