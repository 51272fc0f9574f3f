"""Channels: a stream that does not come through is not a failure of the server."""

from __future__ import annotations

import pytest
from runs import run_against
from scripted_server import Scripted

from adjourn_contract.engine.channels import Channels
from adjourn_contract.engine.outcomes import NotChecked

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
RECORDS = b'{"records":[]}'
# A proxy that passes on the head of a stream and none of its chunks.
HEAD_OF_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def test_a_stream_of_which_nothing_comes_back_is_not_checked() -> None:
    records = HEAD % (b"application/json", len(RECORDS), RECORDS)
    server = Scripted([records, HEAD_OF_STREAM])
    try:
        with run_against(server.url) as run:
            channels = Channels(run.scenario(), {"id": "session_x"})
            with pytest.raises(NotChecked, match="no stream came back"):
                channels.stream("in")
    finally:
        server.close()
