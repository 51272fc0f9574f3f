"""Anything at the ASGI level: one answer or a disconnect, never an exception, and the store stays sound."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from adjourn_mock import create_app
from adjourn_mock.domain.sessions import Session

KEYS = (b"Bearer tr_dev_adjourn", b"Bearer tr_stg_adjourn", b"Bearer tr_dev_nobody", b"Basic x", b"", b"Bearer a.b.c")
NAMES = ("chat_1", "chat_2", "session_x", "%2F", "%", "%FF", "a%00b", "..", "", "a/b", "ü")
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "get", "BREW")
DEEP = b"[" * 500 + b"1" * 400 + b"]" * 500
CREATES = (
    b'{"type": "chat.agent", "taskIdentifier": "t", "externalId": "chat_1", "triggerConfig": {"basePayload": {}}}',
    b'{"type": "chat.agent", "taskIdentifier": "t", "externalId": "chat_2", "triggerConfig": {"basePayload": {}}}',
    b'{"type": "chat.agent", "taskIdentifier": "t", "triggerConfig": {"basePayload": {}},'
    b' "expiresAt": "2020-01-01T00:00:00Z"}',
    b'{"type": "chat.agent", "taskIdentifier": "t", "externalId": "\\udfff", "triggerConfig": {"basePayload": {"d": '
    + DEEP
    + b'}}, "metadata": {"d": '
    + b'{"bb":' * 500
    + b"1"
    + b"}" * 500
    + b"}}",
)
UPDATES = (
    b'{"tags": ["a"], "metadata": null}',
    b'{"externalId": "other"}',
    b"{}",
    b'{"tags": []}',
    b'{"metadata": {"m": ' + b'{"a":' * 500 + b'"\\ud800"' + b"}" * 500 + b"}}",
)
CLOSES = (
    b"",
    b"{}",
    b'{"reason": "x"}',
    b'{"reason": null}',
    b'{"reason": 5}',
    b"[1]",
    b"{",
    b"\xff",
    b"null",
    b" " * 2000,
    b'{"reason": "\\ud800"}',
    b'{"reason": "a\\u0000"}',
    b'{"reason": "x", "reason": 5}',
    b'{"__proto__": {"reason": "x"}, "x": 1e999}',
    b'{"x": ' + b"[" * 480 + b"]" * 480 + b"}",
    b"[" * 1000,
    b"[" * 5000,
)
CONTROLS = (
    b'{"fault": "status", "parameters": {"status": 429}}',
    b'{"freeze": true}',
    b'{"sessions": [{"externalId": "chat_1"}]}',
    b'{"dialect": "server"}',
)
# What the server dialect answers where its database refuses a text (grey.nul, grey.nul-id).
DATABASE_ERRORS = (b'{"error":"Something went wrong"}', b'{"error":"Internal Server Error"}')
SESSIONS = "/api/v1/sessions"
OWN_PATHS = (
    "/openapi.json",
    "/openapi.yaml",
    "/_adjourn/health",
    "/_adjourn/environments",
    "/_adjourn/environments/dev",
    "/_adjourn/environments/dev/journal",
    "/_adjourn/environments/dev/state",
    "/_adjourn/environments/dev/sessions",
    "/_adjourn/environments/dev/faults",
    "/_adjourn/environments/dev/clock",
    "/_adjourn/nothing",
    "/_adjourn/",
)
NAME_PATHS = st.sampled_from([f"{SESSIONS}/{name}{tail}" for name in NAMES for tail in ("", "/close")])
PATHS = st.one_of(
    NAME_PATHS,
    st.sampled_from([SESSIONS, f"{SESSIONS}/", "/", "//", *OWN_PATHS]),
    st.text(max_size=30).map("/".__add__),
)
# Method, path, body: what makes sense, then anything.
ASKED = st.one_of(
    st.tuples(st.just("POST"), st.just(SESSIONS), st.sampled_from(CREATES)),
    st.tuples(st.just("PATCH"), st.sampled_from([f"{SESSIONS}/{name}" for name in NAMES]), st.sampled_from(UPDATES)),
    st.tuples(
        st.just("POST"), st.sampled_from([f"{SESSIONS}/{name}/close" for name in NAMES]), st.sampled_from(CLOSES)
    ),
    st.tuples(
        st.just("GET"), st.sampled_from([SESSIONS, *OWN_PATHS, *(f"{SESSIONS}/{name}" for name in NAMES)]), st.just(b"")
    ),
    st.tuples(
        st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]), st.sampled_from(OWN_PATHS), st.sampled_from(CONTROLS)
    ),
    st.tuples(
        st.sampled_from(METHODS),
        PATHS,
        st.one_of(st.sampled_from([*CREATES, *UPDATES, *CLOSES, *CONTROLS]), st.binary(max_size=50)),
    ),
)
HEADERS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                (b"content-length", b"0"),
                (b"content-length", b"5000"),
                (b"origin", b"http://evil"),
                (b"host", b"localhost"),
                (b"access-control-request-method", b"POST"),
                (b"content-type", b"application/json"),
                (b"host", b"evil"),
                (b"x-trigger-branch", b"main"),
                (b"transfer-encoding", b"chunked"),
            ]
        ),
        st.tuples(st.binary(max_size=10).map(bytes.lower), st.binary(max_size=20)),
    ),
    max_size=5,
)


class Mock(RuleBasedStateMachine):
    """One app, asked anything, in any order, by clients of any manners."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.closed: dict[tuple[str, str], Session] = {}

    @initialize(dialect=st.sampled_from(["documented", "server"]))
    def start(self, dialect: str) -> None:
        self.app = create_app(dialect=dialect)

    def teardown(self) -> None:
        self.loop.close()

    @rule(
        asked=ASKED,
        query=st.one_of(
            st.just(b""), st.binary(max_size=40), st.sampled_from([b"page%5Bsize%5D=1", b"filter[status]=X"])
        ),
        key=st.sampled_from([*KEYS[:1] * 6, *KEYS]),
        headers=st.one_of(st.just([]), HEADERS),
        cuts=st.lists(st.integers(0, 2000), max_size=3),
        leaves_after=st.sampled_from([None, None, None, 0, 1, 2, 3, 4]),
        cancelled_after=st.sampled_from([None, None, None, None, None, 0, 1, 2, 3]),
    )
    def ask(  # noqa: C901 - one request, whatever its client does
        self,
        asked: tuple[str, str, bytes],
        query: bytes,
        key: bytes,
        headers: list[tuple[bytes, bytes]],
        cuts: list[int],
        leaves_after: int | None,
        cancelled_after: int | None,
    ) -> None:
        method, path, body = asked
        ends = sorted({min(cut, len(body)) for cut in cuts} | {len(body)})
        pieces = [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1}
            for number, piece in enumerate(pieces)
        ]
        if leaves_after is not None:
            del messages[leaves_after:]
        sent: list[dict[str, Any]] = []
        lengths = (
            [(b"content-length", b"%d" % len(body))]
            if body and not any(n == b"content-length" for n, _ in headers)
            else []
        )

        # A client whose Content-Length is not that of the body leaves too: nothing more comes from it.
        stays = leaves_after is None and not any(name == b"content-length" for name, _ in headers)
        answered = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0)
            if messages:
                return messages.pop(0)
            if stays:
                await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8", "surrogatepass"),
            "query_string": query,
            "root_path": "",
            "headers": [*([(b"authorization", key)] if key else []), *lengths, *(headers or [(b"host", b"localhost")])],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 80),
        }

        async def whole() -> None:
            task = asyncio.ensure_future(self.app(scope, receive, send))
            if cancelled_after is not None:
                for _ in range(cancelled_after):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                if not task.cancelled():
                    task.result()
            else:
                await task

        self.loop.run_until_complete(whole())
        starts = [message for message in sent if message["type"] == "http.response.start"]
        assert len(starts) <= 1
        if starts and cancelled_after is None:
            assert starts[0]["status"] < 500 or sent[-1]["body"] in DATABASE_ERRORS
            # A file is not sent to its end where the client has left.
            assert answered.is_set() or not stays
        elif cancelled_after is None:
            assert not stays, "no answer"

    @invariant()
    def the_store_is_sound(self) -> None:
        for environment in self.app.environments:
            rows = self.loop.run_until_complete(self.app.service.store.snapshot(environment.id))
            names = [row.external_id for row in rows if row.external_id is not None]
            assert len(names) == len(set(names))
            assert len(rows) == len({row.id for row in rows})
            by_id = {row.id: row for row in rows}
            for (owner, session_id), before in self.closed.items():
                if owner == environment.id and session_id in by_id:
                    now = by_id[session_id]
                    assert (now.closed_at, now.closed_reason) == (before.closed_at, before.closed_reason)
            self.closed |= {(environment.id, row.id): row for row in rows if row.closed_at is not None}


TestMock = Mock.TestCase
TestMock.settings = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "40")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
