"""Users who live sessions as fast as they can, and hold each answer to the contract while they press.

    TRIGGER_SECRET_KEY=... locust -f .../adjourn_contract/locustfile.py --host URL

`adjourn load` wraps it, and `adjourn load --locustfile` prints its path.
A failed clause is a failure in Locust's statistics, named by its slug.
"""

from __future__ import annotations

import itertools
import json
import os
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

from locust import FastHttpUser, events, task
from locust.env import Environment

from adjourn_contract.engine.scenario import CHAT
from adjourn_spec import load_contract

__all__ = ["SessionsUser"]

KEY, REPORT, SPEC = "TRIGGER_SECRET_KEY", "ADJOURN_LOAD_REPORT", "ADJOURN_SPEC"
_RUN = uuid.uuid4().hex[:10]
_numbers = itertools.count()


class SessionsUser(FastHttpUser):
    """Lives one session after the other: create, read, close by either id, close again, read."""

    def on_start(self) -> None:
        contract = load_contract(os.environ.get(SPEC))
        self._prefix = contract.friendly_prefix
        self._collection = contract.operations["createSession"].template
        self._row = contract.operations["retrieveSession"].template
        self._close = contract.operations["closeSession"].template
        self._headers = {"Authorization": f"Bearer {os.environ.get(KEY, '')}"}

    @task
    def live(self) -> None:
        number = next(_numbers)
        external_id = f"adjourn-load-{_RUN}-{os.getpid()}-{number}"
        made = self._call(
            "POST", self._collection, "create", (201,), "create.created", {**CHAT, "externalId": external_id}
        )
        if made is None:
            return
        keys = [made.get("id"), external_id][:: 1 if number % 2 else -1]
        reason = f"reason {number} \u2713"
        opened = self._call("GET", self._path(self._row, keys[0]), "retrieve", (200,), "id.friendly")
        closed = self._call(
            "POST", self._path(self._close, keys[0]), "close", (200,), "close.closes", {"reason": reason}
        )
        if opened is None or closed is None:
            return
        self._hold("reason.verbatim", "close", closed.get("closedReason") == reason)
        changed = {"closedAt", "closedReason", "updatedAt"}
        self._hold(
            "close.preserves", "close", all(closed.get(name) == opened[name] for name in opened if name not in changed)
        )
        again = self._call(
            "POST", self._path(self._close, keys[1]), "close again", (200,), "close.idempotent", {"reason": "another"}
        )
        self._hold("close.idempotent", "close again", again is None or again == closed)
        read = self._call("GET", self._path(self._row, keys[1]), "retrieve closed", (200,), "close.persisted")
        self._hold("close.persisted", "retrieve closed", read is None or read == closed)

    def _path(self, template: str, key: Any) -> str:
        return template.replace("{session}", quote(str(key), safe=""))

    def _call(
        self, method: str, path: str, name: str, statuses: tuple[int, ...], clause: str, body: Any = None
    ) -> dict[str, Any] | None:
        """The row that is answered, or None where the clause is failed."""
        with self.client.request(
            method, path, name=name, json=body, headers=self._headers, catch_response=True, allow_redirects=False
        ) as response:
            if response.status_code == 0:
                response.failure(f"no answer: {type(response.error).__name__}")
                return None
            if response.status_code == 429:
                response.failure("rate.limited: the server answers 429")
                return None
            if response.status_code not in statuses:
                response.failure(f"{clause}: the status is {response.status_code}")
                return None
            try:
                row = response.json()
            except ValueError:
                row = None
            if not isinstance(row, dict):
                response.failure("row.schema: the answer is no row")
                return None
            return row

    def _hold(self, clause: str, name: str, is_kept: bool) -> None:
        """Count a failed clause as a failure of the operation that showed it."""
        if not is_kept:
            self.environment.stats.log_error("", name, f"{clause}: another row than it must be")


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def report(environment: Environment, **_: Any) -> None:
    """Write what was measured where `adjourn load` asks for it; on a master it is the sum of all workers."""
    path = os.environ.get(REPORT)
    if path is None:
        return
    total = environment.stats.total
    operations = [
        {
            "operation": entry.name,
            "requests": entry.num_requests,
            "failures": entry.num_failures,
            "perSecond": entry.total_rps,
            "p50Milliseconds": entry.get_response_time_percentile(0.5),
            "p99Milliseconds": entry.get_response_time_percentile(0.99),
            "maxMilliseconds": entry.max_response_time,
        }
        for entry in environment.stats.entries.values()
    ]
    failed = [
        {"clause": str(error.error).partition(":")[0], "operation": error.name, "times": error.occurrences,
         "what": str(error.error).partition(": ")[2]}
        for error in environment.stats.errors.values()
    ]  # fmt: skip
    found = {"requests": total.num_requests, "perSecond": total.total_rps, "operations": operations, "failed": failed}
    Path(path).write_text(json.dumps(found))
