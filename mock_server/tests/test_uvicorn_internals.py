"""A canary: the undocumented names of uvicorn and httptools that serving/protocol.py and connection.py use.

Where one of these fails, uvicorn has moved: look at `OneWriteProtocol` before the upper bound of uvicorn is raised.
"""

from __future__ import annotations

import inspect

import httptools
import pytest
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from adjourn_mock.serving.connection import Connection
from adjourn_mock.serving.protocol import OneWriteProtocol


def source(function: object) -> str:
    return inspect.getsource(function)  # type: ignore[arg-type]


def test_a_status_line_is_bytes_with_its_end() -> None:
    assert STATUS_LINE[200] == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "attribute",
    [
        "scope",
        "transport",
        "flow",
        "default_headers",
        "message_event",
        "on_response",
        "keep_alive",
        "disconnected",
        "response_started",
        "response_complete",
        "waiting_for_100_continue",
        "more_body",
        "body",
    ],
)  # fmt: skip - a list of names
def test_a_cycle_has_the_attribute(attribute: str) -> None:
    assert f"self.{attribute}" in source(RequestResponseCycle.__init__)


def test_a_cycle_can_become_a_connection() -> None:
    assert not hasattr(RequestResponseCycle, "__slots__")
    assert Connection.__init__ is RequestResponseCycle.__init__


@pytest.mark.parametrize(
    "attribute",
    [
        "app",
        "loop",
        "parser",
        "flow",
        "transport",
        "pipeline",
        "scope",
        "headers",
        "cycle",
        "connections",
        "server_state",
        "limit_concurrency",
    ],
)  # fmt: skip - a list of names
def test_a_protocol_has_the_attribute(attribute: str) -> None:
    assert f"self.{attribute}" in source(HttpToolsProtocol.__init__)


def test_a_request_gets_its_scope_when_it_begins_and_its_cycle_when_its_head_is_complete() -> None:
    assert "self.scope = {" in source(HttpToolsProtocol.on_message_begin)
    assert "self.headers = []" in source(HttpToolsProtocol.on_message_begin)
    complete = source(HttpToolsProtocol.on_headers_complete)
    assert "self.cycle = RequestResponseCycle(" in complete
    assert "self.pipeline.appendleft((self.cycle, app))" in complete
    assert "self._start_asgi_task(self.cycle, app)" in complete


def test_what_is_overridden_is_still_called() -> None:
    for name in (
        "connection_made",
        "connection_lost",
        "data_received",
        "on_headers_complete",
        "on_body",
        "on_message_complete",
        "on_response_complete",
        "send_400_response",
    ):  # fmt: skip - a list of names
        assert name in vars(OneWriteProtocol)
        assert hasattr(HttpToolsProtocol, name)
    assert "on_response=self.on_response_complete" in source(HttpToolsProtocol.on_headers_complete)


def test_a_body_goes_to_the_cycle_up_to_the_high_water_limit() -> None:
    received = source(HttpToolsProtocol.on_body)
    for part in ("self.cycle.body += body", "HIGH_WATER_LIMIT", "self.flow.pause_reading()", "message_event.set()"):
        assert part in received
    assert "self.cycle.more_body = False" in source(HttpToolsProtocol.on_message_complete)


def test_flow_control_says_whether_writing_is_paused() -> None:
    assert "write_paused" in source(FlowControl)
    assert "resume_reading" in vars(FlowControl)


def test_the_parser_reports_where_an_upgrade_begins() -> None:
    head = b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    with pytest.raises(httptools.HttpParserUpgrade) as raised:
        httptools.HttpRequestParser(object()).feed_data(head + b"rest")
    assert raised.value.args[0] == len(head)
    assert "set_dangerous_leniencies" in source(httptools_impl.HttpToolsProtocol.__init__)


def test_an_error_of_a_callback_is_the_context_of_the_parsers_error() -> None:
    class Callbacks:
        def on_headers_complete(self) -> None:
            raise KeyError("mine")

    with pytest.raises(httptools.HttpParserCallbackError) as raised:
        httptools.HttpRequestParser(Callbacks()).feed_data(b"GET / HTTP/1.1\r\n\r\n")
    assert isinstance(raised.value.__context__, KeyError)
