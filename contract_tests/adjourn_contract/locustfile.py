"""Users who take sessions through their lives as fast as they can, and check each response against the contract.

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
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from locust import FastHttpUser, events, task
from locust.env import Environment

from adjourn_contract.engine.scenario import CHAT
from adjourn_spec import Contract, load_contract

__all__ = ["SessionsUser"]

KEY, REPORT, SPEC = "TRIGGER_SECRET_KEY", "ADJOURN_LOAD_REPORT", "ADJOURN_SPEC"
_RUN = uuid.uuid4().hex[:10]
_numbers = itertools.count()
_CHANGED_BY_CLOSE = ("closedAt", "closedReason", "updatedAt")
_TOO_MANY = 429

Row = dict[str, Any]


class _Request(NamedTuple):
    """One request: its name in the statistics, what is sent, and the clause that another status violates."""

    name: str
    method: str
    path: str
    clause: str
    body: Row | None = None
    status: int = 200


class SessionsUser(FastHttpUser):
    """Takes one session after the other through its life: create, read, close by either id, close again, read."""

    contract: ClassVar[Contract]

    def on_start(self) -> None:
        self._collection = self.contract.operations["createSession"].template
        self._row = self.contract.operations["retrieveSession"].template
        self._close = self.contract.operations["closeSession"].template
        self._headers = {"Authorization": f"Bearer {os.environ.get(KEY, '')}"}

    @task
    def live(self) -> None:
        """Create a session and close it; of each two sessions one is closed by its friendly id first."""
        number = next(_numbers)
        external_id = f"adjourn-load-{_RUN}-{os.getpid()}-{number}"
        body = {**CHAT, "externalId": external_id}
        made = self._call(_Request("create", "POST", self._collection, "create.created", body, status=201))
        if made is None:
            return
        friendly_id = str(made.get("id"))
        first, second = (friendly_id, external_id) if number % 2 else (external_id, friendly_id)
        closed = self._close_first(first, f"reason {number} \u2713")
        if closed is not None:
            self._close_again(second, closed)

    def _close_first(self, key: str, reason: str) -> Row | None:
        """Read and close a session; the row, or None where a request failed."""
        opened = self._call(_Request("retrieve", "GET", self._path(self._row, key), "id.friendly"))
        path = self._path(self._close, key)
        closed = self._call(_Request("close", "POST", path, "close.closes", {"reason": reason}))
        if opened is None or closed is None:
            return None
        self._check("reason.verbatim", "close", closed.get("closedReason") == reason)
        kept = [name for name in opened if name not in _CHANGED_BY_CLOSE]
        self._check("close.preserves", "close", all(closed.get(name) == opened[name] for name in kept))
        return closed

    def _close_again(self, key: str, closed: Row) -> None:
        """Close a closed session once more and read it: both show the row of the first close."""
        path = self._path(self._close, key)
        again = self._call(_Request("close again", "POST", path, "close.idempotent", {"reason": "another"}))
        self._check("close.idempotent", "close again", again is None or again == closed)
        read = self._call(_Request("retrieve closed", "GET", self._path(self._row, key), "close.persisted"))
        self._check("close.persisted", "retrieve closed", read is None or read == closed)

    def _path(self, template: str, key: str) -> str:
        return template.replace("{session}", quote(key, safe=""))

    def _call(self, request: _Request) -> Row | None:
        """The row in the response, or None where there is none; that is a failure of the operation."""
        with self.client.request(
            request.method,
            request.path,
            name=request.name,
            json=request.body,
            headers=self._headers,
            catch_response=True,
            allow_redirects=False,
        ) as response:
            row = _row_of(response)
            failure = _failure_of(response, row, request)
            if failure is not None:
                response.failure(failure)
                return None
            return row

    def _check(self, clause: str, name: str, is_satisfied: bool) -> None:
        """Count a failed clause as a failure of the operation that showed it."""
        if not is_satisfied:
            self.environment.stats.log_error("", name, f"{clause}: another row than it must be")


def _row_of(response: Any) -> Row | None:
    try:
        row = response.json()
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _failure_of(response: Any, row: Row | None, request: _Request) -> str | None:
    """What is wrong with a response as `clause: what`, or None."""
    if response.status_code == 0:
        return f"no answer: {type(response.error).__name__}"
    if response.status_code == _TOO_MANY:
        return f"rate.limited: the server answers {_TOO_MANY}"
    if response.status_code != request.status:
        return f"{request.clause}: the status is {response.status_code}"
    return "row.schema: the response is not a row" if row is None else None


@events.init.add_listener  # type: ignore[untyped-decorator]
def read_contract(**_: Any) -> None:
    """Read the contract once in each process, before the first user starts."""
    SessionsUser.contract = load_contract(os.environ.get(SPEC))


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def report(environment: Environment, **_: Any) -> None:
    """Write what was measured where `adjourn load` asks for it; on a master it is the sum of all workers."""
    path = os.environ.get(REPORT)
    if path is None:
        return
    stats = environment.stats
    found = {
        "requests": stats.total.num_requests,
        "perSecond": stats.total.total_rps,
        "operations": [_measured(entry) for entry in stats.entries.values()],
        "failed": [_failed(error) for error in stats.errors.values()],
    }
    Path(path).write_text(json.dumps(found))


def _measured(entry: Any) -> Row:
    return {
        "operation": entry.name,
        "requests": entry.num_requests,
        "failures": entry.num_failures,
        "perSecond": entry.total_rps,
        "p50Milliseconds": entry.get_response_time_percentile(0.5),
        "p99Milliseconds": entry.get_response_time_percentile(0.99),
        "maxMilliseconds": entry.max_response_time,
    }


def _failed(error: Any) -> Row:
    clause, _, what = str(error.error).partition(": ")
    return {"clause": clause, "operation": error.name, "times": error.occurrences, "what": what}
