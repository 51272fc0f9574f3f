"""Keys that resolve to a session or to none, whatever is asked of them."""

from __future__ import annotations

from urllib.parse import quote

from adjourn_contract.engine.scenario import Row, Scenario

__all__ = ["assert_not_found", "assert_resolves"]


def assert_not_found(scenario: Scenario, key: str, clause: str, what: str, *, raw: str | None = None) -> None:
    """Every operation on a key, or a raw path segment, that no session has is 404."""
    run = scenario.target
    segment = quote(key, safe="") if raw is None else raw
    closed = scenario.send("POST", run.raw_close_path(segment), {"reason": "wrong session"})
    scenario.expect(closed, 404, clause, f"close by {what}", error=True)
    seen = scenario.send("GET", run.raw_path(segment))
    scenario.expect(seen, 404, clause, f"retrieve by {what}", error=True)
    if "updateSession" not in run.unsupported:
        updated = scenario.send("PATCH", run.raw_path(segment), {"tags": ["wrong session"]})
        scenario.expect(updated, 404, clause, f"update by {what}", error=True)


def assert_resolves(scenario: Scenario, row: Row, segment: str, clause: str, what: str) -> None:
    """Retrieve by a raw path segment shows a session."""
    seen = scenario.send("GET", scenario.target.raw_path(segment))
    scenario.expect(seen, 200, clause, f"retrieve by {what}")
    if seen.value.get("id") != row["id"]:
        raise scenario.fail(clause, f"the session {row['id']} by {what}", str(seen.value.get("id")))
