"""A scenario: the operations on sessions that belong together, each answer checked against its clauses."""

from __future__ import annotations

import json
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from adjourn_contract.engine.answers import findings_in_list_row
from adjourn_contract.engine.json_values import is_same_json
from adjourn_contract.engine.outcomes import NotChecked
from adjourn_contract.engine.recording import AUTO, NO_ERROR, Recording, Row
from adjourn_contract.engine.target import CHAT
from adjourn_contract.proofs.evidence import Claim
from adjourn_contract.transport.exchange import Exchange
from adjourn_spec import FriendlyId

__all__ = ["CHANGED_BY_CLOSE", "CHAT", "NO_ERROR", "REFUSED", "Row", "Scenario", "ids_of"]

CHANGED_BY_CLOSE = ("closedAt", "closedReason", "updatedAt")
_REFUSALS = (0, 400, 401, 403, 404, 405, 413, 414, 415, 422)
# A close body that is refused is 400; an implementation may say 422 (grey.refusal-status).
REFUSED = (400, 422)


class Scenario(Recording):
    """Requests that belong together, kept as the proof of what they show."""

    def create(self, external_id: Any = AUTO, *, credential: str | None = None, **members: Any) -> Row:
        """A new session; the answer of create."""
        made = self.try_create(external_id, credential=credential, **members)
        self.expect(made, 201, "create.created", "a valid create with a new externalId")
        with self.ruling_out(lambda: self._assert_create_answers_the_row(made, credential)):
            row = self.validated_row(made, extra_members=True)
        wanted = self._body(external_id, members)
        self._assert_created(
            row, wanted if external_id is not AUTO else {**wanted, "externalId": row.get("externalId")}
        )
        return row

    def try_create(
        self,
        external_id: Any = AUTO,
        *,
        credential: str | None = None,
        **members: Any,
    ) -> Exchange:
        """Create, whatever comes back."""
        if "createSession" in self.target.unsupported:
            raise self.target.lack_of("createSession")
        key = credential or self.target.key
        body = self._body(external_id, members)
        # Ctrl-C waits until it is known what was made, so that it can be closed in the end.
        with _uninterrupted():
            made = self.send("POST", self.target.collection, body, credential=key)
            self.target.remember(key, made)
        return made

    def _body(self, external_id: Any, members: Row) -> Row:
        body = {**self.target.example, **members}
        if external_id is AUTO:
            external_id = self.target.name()
        return body if external_id is None else {**body, "externalId": external_id}

    def _assert_create_answers_the_row(self, made: Exchange, credential: str | None) -> None:
        """Blame create where retrieve shows a row that lacks nothing."""
        row = made.value
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            shown = self.retrieve(row["id"], credential=credential)
            if lost := shown.keys() - row.keys():
                claim = Claim(self.reading("member", min(lost), answer=made), "like", (".",))
                raise self.fail("create.created", f"{min(lost)} in the answer of create", "none", claims=[claim])

    def _assert_created(self, row: Row, wanted: Row) -> None:
        for name in ("type", "taskIdentifier", "tags", "metadata"):
            if name in wanted and not is_same_json(wanted[name], row.get(name)):
                raise self.fail("create.created", f"{name} as it was sent: {wanted[name]!r}", repr(row.get(name)))
        if row["closedAt"] is not None:
            raise self.fail("create.created", "a new session to be open", f"closedAt {row['closedAt']!r}")

    def open(self, external_id: Any = AUTO, *, credential: str | None = None, **members: Any) -> Row:
        """A new open session, as retrieve shows it."""
        if "createSession" in self.target.unsupported and external_id is AUTO and not members:
            return self._open_from_pool()
        made = self.create(external_id, credential=credential, **members)
        return self.retrieve(made["id"], credential=credential)

    def _open_from_pool(self) -> Row:
        """A session made beforehand that is open still; what is closed or gone is left out.

        Raises:
            NotChecked: none is left.
        """
        while self.target.pool:
            key = self.target.pool.pop()["id"]
            seen = self.send("GET", self.target.path(key))
            if seen.status != 404:
                row = self.validated_row(self.expect(seen, 200, "id.friendly", "retrieve of a session of the pool"))
                if row["closedAt"] is None:
                    return row
            del self.exchanges[-1]
        raise NotChecked("the session pool has no open session left", remedy="--session-pool")

    def retrieve(self, key: str, *, credential: str | None = None, clause: str = "retrieve.row") -> Row:
        """The row that a session has now."""
        seen = self.send("GET", self.target.path(key), credential=credential or self.target.key)
        if seen.status == 404 and clause == "retrieve.row":
            is_friendly = isinstance(self.target.contract.identify(key), FriendlyId)
            clause = "id.friendly" if is_friendly else "id.external"
        return self.validated_row(self.expect(seen, 200, clause, "retrieve of a session that is there"))

    def page(self, page: Mapping[str, Any] | None = None, *, credential: str | None = None, **filters: Any) -> Row:
        """A page of a list, its rows held to the row clauses.

        Args:
            page: `size`, and `after` or `before`, cursors.
            credential: the secret key, the run's by default.
            filters: by name; `createdAt` is a mapping.
        """
        answer = self.list_query({"page": page or {}, "filter": filters}, credential=credential)
        self.expect(answer, 200, "list.filter" if filters else "list.page", "a list")
        shown = answer.value if isinstance(answer.value, dict) else {}
        if not isinstance(shown.get("data"), list) or not isinstance(shown.get("pagination"), dict):
            raise self.fail("row.list", "a list with data and pagination", answer.summary)
        # What others have left there is not ours to judge.
        for row in shown["data"]:
            if not isinstance(row, dict) or self.target.is_ours(row.get("id", "")):
                for finding in findings_in_list_row(self.target.contract, row):
                    raise self.fail(*finding)
        return shown

    def list_query(self, parameters: Mapping[str, Any], *, credential: str | None = None) -> Exchange:
        """List, whatever comes back.

        Args:
            parameters: of the query, in nested mappings: `{"page": {"size": 1}}` is `page[size]=1`.
            credential: the secret key, the run's by default.
        """
        query = urlencode(dict(_deep_object("", parameters)), quote_via=quote, safe="")
        target = self.target.collection + (f"?{query}" if query else "")
        return self.send("GET", target, credential=credential or self.target.key)

    def listed(self, *, credential: str | None = None, **filters: Any) -> Sequence[Row]:
        """The rows that filters match, newest first, as many as a page takes at most."""
        most = self.target.contract.schema("Page").definition["properties"]["size"]["maximum"]
        rows: Sequence[Row] = self.page({"size": most}, credential=credential, **filters)["data"]
        return rows

    def try_close(self, key: str, body: Any = AUTO, **options: Any) -> Exchange:
        """Close, whatever comes back."""
        return self.send("POST", self.target.close_path(key), {} if body is AUTO else body, **options)

    def assert_close_refused(
        self,
        before: Row,
        body: Any,
        clause: str,
        what: str,
        *,
        by: str | None = None,
        statuses: Collection[int] = REFUSED,
    ) -> None:
        """Close with a body that is refused, and see that the session is as it was.

        Args:
            before: the row as retrieve showed it.
            body: the close body.
            clause: what another status breaks.
            what: the body in words.
            by: the id to close it by, the friendly one by default.
            statuses: which the answer may have.
        """
        answer = self.try_close(by or before["id"], body)
        self.expect(answer, statuses, clause, what, error=answer.status in REFUSED)
        self.assert_unchanged(before, "body.no-effect")

    def close(
        self,
        before: Row,
        body: Any = AUTO,
        *,
        by: str | None = None,
        credential: str | None = None,
        clause: str = "close.closes",
        reason_clause: str = "reason.verbatim",
        rest_clause: str = "close.preserves",
        look: bool = True,
        **options: Any,
    ) -> Row:
        """Close an open session for the first time; check the answer and later reads.

        Args:
            before: the row as retrieve showed it.
            body: the close body, `{}` by default.
            by: the id to close it by, the friendly one by default.
            credential: the secret key, the run's by default.
            clause: what is broken where the close is not 200.
            reason_clause: what is broken where the reason is not recorded.
            rest_clause: what is broken where another member changes.
            look: whether to retrieve it afterwards.
            options: of `send`.
        """
        key = credential or self.target.key
        seen = self.try_close(by or before["id"], body, credential=key, **options)
        # A refusal may be the fault that is looked for; anything else is close's own.
        blamed = clause if seen.status in _REFUSALS else "close.closes"
        self.expect(seen, 200, blamed, "close of an open session")
        self.target.forget(key, before["id"])
        row = self.validated_row(seen)
        self._assert_first_close(before, row, _reason_of(body), reason_clause, rest_clause)
        if look:
            # By the other id than the one it was closed by, so that one read shows both.
            other = next((name for name in ids_of(before) if name != (by or before["id"])), before["id"])
            seen_later = self.retrieve(other, credential=key, clause="close.persisted")
            with self.ruling_out(lambda: self._assert_reads_change_nothing(before["id"], key)):
                self.assert_same(row, seen_later, "close.persisted", "retrieve after close")
        return row

    def _assert_reads_change_nothing(self, key: str, credential: str) -> None:
        """Blame retrieve where each read moves updatedAt."""
        moments = [self.retrieve(key, credential=credential)["updatedAt"] for _ in range(3)]
        if len(set(moments)) == len(moments):
            raise self.fail("retrieve.row", f"updatedAt {moments[0]!r} at every retrieve", repr(moments[-1]))

    def _assert_first_close(
        self, before: Row, row: Row, reason: str | None, reason_clause: str, rest_clause: str
    ) -> None:
        if row["id"] != before["id"]:
            raise self.fail("id.friendly", f"the session {before['id']}", f"the session {row['id']}")
        if row["closedAt"] is None:
            raise self.fail("close.closes", "closedAt to be set", "null")
        if row["closedReason"] != reason or type(row["closedReason"]) is not type(reason):
            clause = "reason.optional" if reason is None else reason_clause
            raise self.fail(clause, f"closedReason {reason!a}", f"{row['closedReason']!a}")
        for name in before:
            if name not in CHANGED_BY_CLOSE and before[name] != row[name]:
                raise self.fail(rest_clause, f"{name} as before: {before[name]!r}", repr(row[name]))

    def close_again(
        self, closed: Row, body: Any = AUTO, *, by: str | None = None, credential: str | None = None
    ) -> None:
        """Close a closed session; the answer is the row of the first close."""
        seen = self.try_close(by or closed["id"], body, credential=credential or self.target.key)
        self.expect(seen, 200, "close.idempotent", "close of a session that is closed")
        row = self.validated_row(seen)
        if row["closedAt"] is None:
            raise self.fail("close.terminal", f"closedAt {closed['closedAt']!r} at a later close", "null")
        with self.ruling_out(lambda: self._assert_reads_leave_it_closed(closed, credential)):
            self.assert_same(closed, row, "close.idempotent", "a later close")

    def _assert_reads_leave_it_closed(self, closed: Row, credential: str | None) -> None:
        """Blame retrieve where a read reopens a session."""
        for key in (*ids_of(closed), *ids_of(closed)):
            if self.retrieve(key, credential=credential)["closedAt"] is None:
                claim = Claim(self.reading("member", "closedAt"), "like", ('^"',))
                what = "closedAt of a closed session at every retrieve"
                raise self.fail("close.terminal", what, "null", claims=[claim])

    def assert_same(self, expected: Row, got: Row, clause: str, when: str) -> None:
        """Hold a row to another, member by member."""
        is_open = "closedAt" in expected and expected["closedAt"] is None
        for name, value in expected.items():
            if name == "updatedAt" and is_open and self.target.updates_after_create:
                continue
            if not is_same_json(value, got.get(name)):
                raise self.fail(clause, f"{name} {value!a} at {when}", f"{got.get(name)!a}", row=got)

    def assert_unchanged(self, before: Row, clause: str, *, credential: str | None = None) -> None:
        """Hold a session to the row it had: what was refused or meant another has changed nothing."""
        self.assert_same(before, self.retrieve(before["id"], credential=credential), clause, "retrieve afterwards")


def ids_of(row: Row) -> list[str]:
    """The ids that a session answers to: the friendly one and, where it has one, its externalId."""
    return [key for key in (row["id"], row["externalId"]) if key is not None]


def _deep_object(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Query parameters of nested mappings, in the deepObject style."""
    if not isinstance(value, Mapping):
        yield name, value
        return
    for part, member in value.items():
        yield from _deep_object(f"{name}[{part}]" if name else part, member)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold SIGINT back in this thread, where the system can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _reason_of(body: Any) -> str | None:
    value = json.loads(body) if isinstance(body, bytes) and body else body
    reason = value.get("reason") if isinstance(value, dict) else None
    return reason if isinstance(reason, str) else None
