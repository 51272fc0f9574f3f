"""What faults do, each seen in one exchange: what a correct mock answers, and what the faulty one answers instead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from adjourn_mock import create_app
from adjourn_spec import load_contract

CONTRACT = load_contract()
SESSIONS = "/api/v1/sessions"
CONFIG: dict[str, Any] = {
    "basePayload": {"Key": "Text", "none": None, "inner": {"a": 1}},
    "machine": "micro",
    "queue": "Fast",
    "tags": ["Run"],
    "maxAttempts": 5,
    "maxDuration": 60,
    "idleTimeoutInSeconds": 30,
}
BODY: dict[str, Any] = {
    "type": "Chat.Agent",
    "taskIdentifier": "My-Chat",
    "externalId": "Chat_1",
    "tags": ["b", " A"],
    "metadata": {"Plan": "Pro", "none": None, "empty": "", "inner": {"x": 1.5}, "on": True},
    "expiresAt": "2099-01-01T10:20:30+05:30",
    "triggerConfig": CONFIG,
}
METADATA = BODY["metadata"]
PAYLOAD = CONFIG["basePayload"]


class Stored(NamedTuple):
    """A fault that stores or answers another value than the one that was sent."""

    fault: str
    path: tuple[str, ...]
    correct: Any
    faulty: Any


def talk(fault: str | None, *requests: tuple[str, str, Any]) -> list[httpx.Response]:
    """The answers of a mock with a fault, to requests of method, path below the collection and JSON or bytes."""

    async def run() -> list[httpx.Response]:
        app = create_app(CONTRACT, faults=[] if fault is None else [fault])
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": "Bearer tr_dev_adjourn"}
        async with httpx.AsyncClient(transport=transport, base_url="http://mock", headers=headers) as client:
            answers = []
            for method, path, body in requests:
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                answers.append(await client.request(method, SESSIONS + path, content=content))
            return answers

    return asyncio.run(run())


def both(fault: str, see: Callable[[str | None], Any]) -> tuple[Any, Any]:
    """What is seen of a correct mock, and of the faulty one."""
    return see(None), see(fault)


def member(answer: httpx.Response, path: tuple[str, ...]) -> Any:
    value = answer.json()
    for name in path:
        value = value.get(name)
    return value


ON_CREATE = [
    Stored("case-of-type-lost", ("type",), "Chat.Agent", "chat.agent"),
    Stored("case-of-task-lost", ("taskIdentifier",), "My-Chat", "my-chat"),
    Stored("case-of-external-id-lost", ("externalId",), "Chat_1", "chat_1"),
    Stored("case-of-tags-lost", ("tags",), ["b", " A"], ["b", " a"]),
    Stored("row-case-of-tags-lost", ("tags",), ["b", " A"], ["b", " a"]),
    Stored("case-of-metadata-keys-lost", ("metadata", "plan"), None, "Pro"),
    Stored("case-of-metadata-lost", ("metadata", "Plan"), "Pro", "pro"),
    Stored("case-of-payload-keys-lost", ("triggerConfig", "basePayload", "key"), None, "Text"),
    Stored("case-of-payload-lost", ("triggerConfig", "basePayload", "Key"), "Text", "text"),
    Stored("case-of-queue-lost", ("triggerConfig", "queue"), "Fast", "fast"),
    Stored("case-of-trigger-tags-lost", ("triggerConfig", "tags"), ["Run"], ["run"]),
    Stored("expiry-offset-dropped", ("expiresAt",), "2099-01-01T04:50:30.000Z", "2099-01-01T10:20:30.000Z"),
    Stored("expiry-offset-turned", ("expiresAt",), "2099-01-01T04:50:30.000Z", "2099-01-01T15:50:30.000Z"),
    Stored("expiry-offset-minutes-dropped", ("expiresAt",), "2099-01-01T04:50:30.000Z", "2099-01-01T05:20:30.000Z"),
    Stored("expiry-with-offset-lost", ("expiresAt",), "2099-01-01T04:50:30.000Z", None),
    Stored("expiry-an-hour-later", ("expiresAt",), "2099-01-01T04:50:30.000Z", "2099-01-01T05:50:30.000Z"),
    Stored("expiry-at-midnight", ("expiresAt",), "2099-01-01T04:50:30.000Z", "2099-01-01T00:00:00.000Z"),
    Stored("expiry-at-the-minute", ("expiresAt",), "2099-01-01T04:50:30.000Z", "2099-01-01T04:50:00.000Z"),
    Stored("expiry-lost-on-create", ("expiresAt",), "2099-01-01T04:50:30.000Z", None),
    Stored("metadata-nulls-dropped", ("metadata",), METADATA, {k: v for k, v in METADATA.items() if v is not None}),
    Stored("metadata-empties-dropped", ("metadata",), METADATA, {k: v for k, v in METADATA.items() if v != ""}),
    Stored("metadata-flattened", ("metadata", "inner"), {"x": 1.5}, "{'x': 1.5}"),
    Stored("metadata-emptied-within", ("metadata", "inner"), {"x": 1.5}, {}),
    Stored("metadata-numbers-as-text", ("metadata", "inner"), {"x": 1.5}, {"x": "1.5"}),
    Stored("metadata-fractions-dropped", ("metadata", "inner"), {"x": 1.5}, {"x": 1}),
    Stored("payload-nulls-dropped", ("triggerConfig", "basePayload"), PAYLOAD, {"Key": "Text", "inner": {"a": 1}}),
    Stored("payload-flattened", ("triggerConfig", "basePayload", "inner"), {"a": 1}, "{'a': 1}"),
    Stored("payload-emptied-within", ("triggerConfig", "basePayload", "inner"), {"a": 1}, {}),
    Stored("payload-numbers-as-text", ("triggerConfig", "basePayload", "inner"), {"a": 1}, {"a": "1"}),
    Stored("create-drops-tags", ("tags",), ["b", " A"], []),
    Stored("create-sorts-tags", ("tags",), ["b", " A"], [" A", "b"]),
    Stored("create-trims-tags", ("tags",), ["b", " A"], ["b", "A"]),
    Stored("create-drops-machine", ("triggerConfig", "machine"), "micro", None),
    Stored("create-drops-queue", ("triggerConfig", "queue"), "Fast", None),
    Stored("create-drops-trigger-tags", ("triggerConfig", "tags"), ["Run"], None),
    Stored("create-drops-attempts", ("triggerConfig", "maxAttempts"), 5, None),
    Stored("create-drops-duration", ("triggerConfig", "maxDuration"), 60, None),
    Stored("create-drops-idle-time", ("triggerConfig", "idleTimeoutInSeconds"), 30, None),
    Stored("create-without-cached", ("isCached",), False, None),
    Stored("create-cached-text", ("isCached",), False, "false"),
    Stored("create-says-cached", ("isCached",), False, True),
]


@pytest.mark.parametrize("row", ON_CREATE, ids=[row.fault for row in ON_CREATE])
def test_a_fault_changes_what_create_answers(row: Stored) -> None:
    correct, faulty = both(row.fault, lambda fault: member(talk(fault, ("POST", "", BODY))[0], row.path))
    assert (correct, faulty) == (row.correct, row.faulty)


@pytest.mark.parametrize("name", ["runId", "publicAccessToken"])
def test_a_fault_leaves_a_member_out_of_the_answer_of_create(name: str) -> None:
    fault = {"runId": "create-without-run", "publicAccessToken": "create-without-token"}[name]
    assert both(fault, lambda fault: name in talk(fault, ("POST", "", BODY))[0].json()) == (True, False)


class Refused(NamedTuple):
    """A fault that accepts a body which must be refused; `members` are those that are changed in a valid one."""

    fault: str
    members: dict[str, Any]


def config(**options: Any) -> dict[str, Any]:
    return {"triggerConfig": {**CONFIG, **options}}


ACCEPTED_BY_CREATE = [
    Refused("create-null-external-id-passes", {"externalId": None}),
    Refused("create-null-tags-pass", {"tags": None}),
    Refused("create-null-metadata-passes", {"metadata": None}),
    Refused("create-null-payload-passes", config(basePayload=None)),
    Refused("create-null-config-passes", {"triggerConfig": None}),
    Refused("create-null-machine-passes", config(machine=None)),
    Refused("create-null-queue-passes", config(queue=None)),
    Refused("create-null-numbers-pass", config(maxAttempts=None)),
    Refused("create-null-tag-dropped", {"tags": ["a", None]}),
    Refused("create-type-number-passes", {"type": 7}),
    Refused("create-type-boolean-passes", {"type": True}),
    Refused("create-task-number-passes", {"taskIdentifier": 7}),
    Refused("create-external-id-boolean-passes", {"externalId": True}),
    Refused("create-tags-string-passes", {"tags": "a"}),
    Refused("create-tag-number-passes", {"tags": [1]}),
    Refused("create-metadata-array-passes", {"metadata": [1]}),
    Refused("create-metadata-string-passes", {"metadata": "{}"}),
    Refused("create-payload-array-passes", config(basePayload=[1])),
    Refused("create-payload-string-passes", config(basePayload="{}")),
    Refused("create-queue-number-passes", config(queue=7)),
    Refused("create-attempts-text-passes", config(maxAttempts="3")),
    Refused("create-attempts-boolean-passes", config(maxAttempts=True)),
    Refused("create-attempts-fraction-passes", config(maxAttempts=1.5)),
    Refused("create-duration-text-passes", config(maxDuration="60")),
    Refused("create-duration-fraction-passes", config(maxDuration=1.5)),
    Refused("create-idle-time-text-passes", config(idleTimeoutInSeconds="60")),
    Refused("create-idle-time-fraction-passes", config(idleTimeoutInSeconds=1.5)),
    Refused("create-trigger-tags-string-pass", config(tags="a")),
    Refused("expiry-words-pass", {"expiresAt": "soon"}),
]


@pytest.mark.parametrize("row", ACCEPTED_BY_CREATE, ids=[row.fault for row in ACCEPTED_BY_CREATE])
def test_a_fault_accepts_a_wrong_create(row: Refused) -> None:
    body = {**BODY, **row.members}
    assert both(row.fault, lambda fault: talk(fault, ("POST", "", body))[0].status_code) == (422, 201)


ACCEPTED_BY_UPDATE = [
    ("update-null-tags-pass", {"tags": None}),
    ("update-tags-string-passes", {"tags": "a"}),
    ("update-tag-number-passes", {"tags": [1]}),
    ("update-metadata-array-passes", {"metadata": [1]}),
    ("update-metadata-string-passes", {"metadata": "{}"}),
    ("update-external-id-number-ignored", {"externalId": 5}),
    ("update-any-number-of-tags", {"tags": ["a"] * 11}),
    ("update-tags-of-any-length", {"tags": ["a" * 129]}),
    ("update-nan-passes", b'{"metadata":{"n":NaN}}'),
    ("update-garbage-behind-passes", b"{} x"),
    ("update-malformed-is-empty", b"{"),
    ("update-null-is-empty", b"null"),
    ("update-array-is-empty", b"[]"),
]


@pytest.mark.parametrize(("fault", "body"), ACCEPTED_BY_UPDATE, ids=[fault for fault, _ in ACCEPTED_BY_UPDATE])
def test_a_fault_accepts_a_wrong_update(fault: str, body: Any) -> None:
    def is_accepted(fault: str | None) -> bool:
        _, answer = talk(fault, ("POST", "", BODY), ("PATCH", "/Chat_1", body))
        return answer.status_code == 200

    assert both(fault, is_accepted) == (False, True)


FAILING = [
    ("close-brackets-500", ("POST", "/Chat_1/close", b"[" * 1000)),
    ("create-brackets-500", ("POST", "", b"[" * 1000)),
    ("update-brackets-500", ("PATCH", "/Chat_1", b"[" * 1000)),
    ("create-malformed-500", ("POST", "", b"{")),
    ("update-malformed-500", ("PATCH", "/Chat_1", b"{")),
    ("create-null-500", ("POST", "", b"null")),
    ("update-null-500", ("PATCH", "/Chat_1", b"null")),
    ("create-empty-500", ("POST", "", b"")),
    ("update-empty-500", ("PATCH", "/Chat_1", b"")),
    ("id-built-in-500", ("GET", "/constructor", b"")),
    ("create-built-in-500", ("POST", "", {**BODY, "externalId": "__proto__"})),
    ("create-huge-number-500", ("POST", "", {**BODY, "externalId": "x", "metadata": {"n": 1e300}})),
]


@pytest.mark.parametrize(("fault", "request_"), FAILING, ids=[fault for fault, _ in FAILING])
def test_a_fault_answers_500(fault: str, request_: tuple[str, str, Any]) -> None:
    correct, faulty = both(fault, lambda fault: talk(fault, ("POST", "", BODY), request_)[1].status_code)
    assert correct < 500
    assert faulty == 500


FOUND = [
    ("id-number-value", "1e2", "100", (404, 200)),
    ("id-number-value", "0x10", "16", (404, 200)),
    ("id-number-zeros", "007", "7", (404, 200)),
    ("id-number-exponent", "1e2", "100", (404, 200)),
    ("id-built-in-found", "toString", "Chat_1", (404, 200)),
    ("id-built-in-not-found", "constructor", "constructor", (200, 404)),
    ("id-word-not-found", "null", "null", (200, 404)),
    ("create-number-zeros", "007", "007", (200, 404)),
]


@pytest.mark.parametrize(("fault", "asked", "had", "statuses"), FOUND)
def test_a_fault_finds_look_alikes_or_misses_them(fault: str, asked: str, had: str, statuses: tuple[int, int]) -> None:
    def status(fault: str | None) -> int:
        _, answer = talk(fault, ("POST", "", {**BODY, "externalId": had}), ("GET", f"/{asked}", b""))
        return answer.status_code

    assert both(fault, status) == statuses


LISTED = [
    ("list-type-any-case", "filter[type]=chat.agent"),
    ("list-task-any-case", "filter[taskIdentifier]=my-chat"),
    ("list-tags-any-case", "filter[tags]=B"),
    ("list-external-id-any-case", "filter[externalId]=chat_1"),
    ("list-type-like", "filter[type]=Chat%25"),
    ("list-task-like", "filter[taskIdentifier]=My_Chat"),
    ("list-tags-like", "filter[tags]=_"),
    ("list-external-id-like", "filter[externalId]=Chat__"),
    ("list-type-starts", "filter[type]=Chat"),
    ("list-task-starts", "filter[taskIdentifier]=My-C"),
    ("list-external-id-starts", "filter[externalId]=Chat"),
    ("list-external-id-commas", "filter[externalId]=Chat_1,x"),
]


@pytest.mark.parametrize(("fault", "query"), LISTED, ids=[fault for fault, _ in LISTED])
def test_a_fault_lists_what_the_filter_does_not_match(fault: str, query: str) -> None:
    def found(fault: str | None) -> int:
        _, page = talk(fault, ("POST", "", BODY), ("GET", f"?{query}", b""))
        return len(page.json()["data"])

    assert both(fault, found) == (0, 1)


@pytest.mark.parametrize(
    ("fault", "cursor"), [("list-next-on-last-page", "next"), ("list-previous-on-first-page", "previous")]
)
def test_a_fault_answers_a_cursor_where_there_is_no_page(fault: str, cursor: str) -> None:
    def has_cursor(fault: str | None) -> bool:
        _, page = talk(fault, ("POST", "", BODY), ("GET", "", b""))
        return cursor in page.json()["pagination"]

    assert both(fault, has_cursor) == (False, True)


METHODS = [
    ("method-delete-retrieves", "DELETE", "/Chat_1"),
    ("method-put-updates", "PUT", "/Chat_1"),
    ("method-post-updates", "POST", "/Chat_1"),
    ("method-delete-closes", "DELETE", "/Chat_1"),
]


@pytest.mark.parametrize(("fault", "method", "path"), METHODS, ids=[fault for fault, _, _ in METHODS])
def test_a_fault_does_an_operation_by_another_method(fault: str, method: str, path: str) -> None:
    def status(fault: str | None) -> int:
        return talk(fault, ("POST", "", BODY), (method, path, {}))[1].status_code

    assert both(fault, status) == (405, 200)


def test_a_fault_names_refused_methods_in_allow() -> None:
    def allow(fault: str | None) -> str:
        return talk(fault, ("GET", "/Chat_1/close", b""))[0].headers["allow"]

    assert both("method-allow-all", allow) == ("POST", "POST, GET, DELETE")
