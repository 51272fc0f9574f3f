"""Requests to the operations around a chat: channels, tokens and runs, which a server may lack."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

from adjourn_contract.engine.outcomes import NotApplicable, NotChecked
from adjourn_contract.engine.scenario import Row, Scenario
from adjourn_contract.engine.target import Target
from adjourn_contract.proofs.evidence import Claim, canonical
from adjourn_contract.transport.exchange import Exchange

__all__ = ["Channels", "Direction", "need_operation", "path_of"]

Direction = Literal["in", "out"]
_APPEND = {"in": "appendToIn", "out": "appendToOut"}
_STREAM = {"in": "streamIn", "out": "streamOut"}
_RECORDS = {"in": "listInRecords", "out": "listOutRecords"}
_LACKING = (404, 405, 501)


def path_of(target: Target, operation: str, value: str = "") -> str:
    """The path of an operation, with the value of its one parameter."""
    template = target.contract.operations[operation].template
    start, brace, rest = template.partition("{")
    return start + quote(value, safe="") + rest.partition("}")[2] if brace else template


def need_operation(scenario: Scenario, operation: str, what: str, value: str, *, body: Any = None) -> None:
    """Raise NotApplicable where the server does not have an operation; it is asked once in a run.

    Args:
        scenario: the test's.
        operation: the operationId.
        what: the name of the feature, for the report.
        value: of its path parameter: something that is there.
        body: what to send.
    """
    target = scenario.target
    asked = f"asked {operation}"
    if operation not in target.contract.operations:
        raise NotApplicable(f"the document has no {what}")
    # Tests side by side ask one after the other.
    with target.asking:
        if operation not in target.unsupported and asked not in target.known_operations:
            target.known_operations.add(asked)
            probe = Scenario(target)
            method = target.contract.operations[operation].method
            seen = probe.send(method, path_of(target, operation, value), body)
            if seen.status in _LACKING:
                target.unsupported[operation] = f"the server has no {what} (it answers {seen.status})"
    if operation in target.unsupported:
        raise NotApplicable(target.unsupported[operation])


class Channels:
    """The channels of one session, as a scenario asks about them.

    Args:
        scenario: records what was sent.
        row: the session; it must be there.

    Raises:
        NotApplicable: the server has no channels.
    """

    def __init__(self, scenario: Scenario, row: Row) -> None:
        self.scenario, self.row = scenario, row
        need_operation(scenario, "listInRecords", "channels", row["id"])

    def append(
        self, direction: Direction, text: str, *, part: str | None = None, by: str | None = None, **options: Any
    ) -> Exchange:
        """Append a text, whatever comes back."""
        headers = [("X-Part-Id", part)] if part else []
        path = path_of(self.scenario.target, _APPEND[direction], by or self.row["id"])
        return self.scenario.send("POST", path, text.encode(), headers=headers, **options)

    def appended(self, direction: Direction, text: str, *, part: str | None = None, by: str | None = None) -> int:
        """Append to an open session; the sequence number."""
        seen = self.append(direction, text, part=part, by=by)
        self.scenario.expect(seen, 200, "channel.append", "an append to an open session")
        value = seen.value if isinstance(seen.value, dict) else {}
        seq = value.get("seq")
        if value.get("ok") is not True or not isinstance(seq, int) or isinstance(seq, bool):
            raise self.scenario.fail("channel.append", "ok true and a sequence number", seen.summary)
        return seq

    def ask_records(self, direction: Direction, after: str | None = None, **options: Any) -> Exchange:
        """Ask for the records, whatever comes back."""
        path = path_of(self.scenario.target, _RECORDS[direction], options.pop("by", None) or self.row["id"])
        query = "" if after is None else f"?afterEventId={quote(after, safe='')}"
        return self.scenario.send("GET", path + query, **options)

    def records(
        self, direction: Direction, after: int | None = None, *, clause: str = "channel.records", by: str | None = None
    ) -> Sequence[Row]:
        """The records that are there."""
        seen = self.ask_records(direction, None if after is None else str(after), by=by)
        self.scenario.expect(seen, 200, clause, "the records of a channel")
        found = seen.value.get("records") if isinstance(seen.value, dict) else None
        if not isinstance(found, list) or not all(isinstance(each, dict) and "data" in each for each in found):
            raise self.scenario.fail(clause, "a list of records with their data", seen.summary)
        return found

    def assert_carried(self, found: Sequence[Any], wanted: Sequence[str], clause: str, expected: str) -> None:
        """Compare what the records of the last answer carry.

        Args:
            found: what they carry.
            wanted: what they should carry.
            clause: what fails where they differ.
            expected: what is wanted, in words.
        """
        if list(found) != list(wanted):
            claim = Claim(self.scenario.reading("records"), "is", (canonical(list(wanted)),))
            raise self.scenario.fail(clause, expected, repr(found), claims=[claim])

    def stream(self, direction: Direction, *, timeout: str = "1", **headers: str) -> Exchange:
        """Read the stream to its end, whatever comes back; header names with underscores.

        Raises:
            NotChecked: nothing came back in time, as behind a proxy that does not pass on server-sent events.
        """
        path = path_of(self.scenario.target, _STREAM[direction], self.row["id"])
        credential = headers.pop("credential", None)
        listed = [("Timeout-Seconds", timeout), *((name.replace("_", "-"), value) for name, value in headers.items())]
        options: dict[str, Any] = {} if credential is None else {"credential": credential}
        began = time.monotonic()
        seen = self.scenario.send("GET", path, headers=listed, **options)
        # A server that ends the connection at once has failed; one that is silent may be behind such a proxy.
        if seen.status == 0 and time.monotonic() - began >= self.scenario.target.wire.timeout_seconds:
            raise NotChecked("no stream came back; a proxy may not pass on server-sent events")
        return seen

    def streamed(self, direction: Direction, *, clause: str = "channel.stream", **headers: str) -> Sequence[Row]:
        """The records that a stream carried."""
        seen = self.stream(direction, **headers)
        if seen.status != 200 or seen.media_type != "text/event-stream":
            raise self.scenario.fail(clause, "200 and server-sent events", seen.summary)
        return self.batches(seen, clause)

    def batches(self, seen: Exchange, clause: str) -> Sequence[Row]:
        """The records in the batch events of a stream."""
        found: list[Row] = []
        for event in seen.answer.decode(errors="replace").replace("\r\n", "\n").split("\n\n"):
            fields = dict(line.split(": ", 1) for line in event.split("\n") if ": " in line)
            if fields.get("event") == "error":
                claim = Claim(self.scenario.reading("text"), "without", ("event: error",))
                raise self.scenario.fail(clause, "no error event", fields.get("data", ""), claims=[claim])
            if fields.get("event") == "batch":
                try:
                    found += json.loads(fields.get("data", ""))["records"]
                except (ValueError, KeyError, TypeError):
                    raise self.scenario.fail(clause, "JSON with records in a batch event", event[:200]) from None
        return found
