"""Sessions that a key means, or does not mean, whatever is asked of them."""

from __future__ import annotations

from urllib.parse import quote

from adjourn_contract.engine.scene import Row, Scene

__all__ = ["means", "misses"]


def misses(scene: Scene, key: str, clause: str, what: str, *, raw: str | None = None) -> None:
    """A key, or a raw path segment, that no session has: every operation is 404."""
    run = scene.target
    segment = quote(key, safe="") if raw is None else raw
    closed = scene.send("POST", run.raw_close_path(segment), {"reason": "wrong session"})
    scene.expect(closed, 404, clause, f"close by {what}", error=True)
    seen = scene.send("GET", run.raw_path(segment))
    scene.expect(seen, 404, clause, f"retrieve by {what}", error=True)
    if "updateSession" not in run.lacks:
        updated = scene.send("PATCH", run.raw_path(segment), {"tags": ["wrong session"]})
        scene.expect(updated, 404, clause, f"update by {what}", error=True)


def means(scene: Scene, row: Row, segment: str, clause: str, what: str) -> None:
    """A raw path segment that means a session: retrieve shows it."""
    seen = scene.send("GET", scene.target.raw_path(segment))
    scene.expect(seen, 200, clause, f"retrieve by {what}")
    if seen.value.get("id") != row["id"]:
        raise scene.fail(clause, f"the session {row['id']} by {what}", str(seen.value.get("id")))
