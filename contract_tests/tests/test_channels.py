"""Channels: a stream that is held back is not a failure of the server; one that ends without an answer is."""

from __future__ import annotations

import socket
import threading

import pytest
from runs import run_against
from scripted_server import Scripted

from adjourn_contract.engine.channels import Channels
from adjourn_contract.engine.outcomes import ClauseFailed, NotChecked

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
RECORDS = b'{"records":[]}'
ALL_RECORDS = HEAD % (b"application/json", len(RECORDS), RECORDS)
# A proxy that passes on the head of a stream and none of its chunks.
HEAD_OF_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def test_a_stream_of_which_nothing_comes_back_in_time_is_not_checked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def serve() -> None:
            for answer in (ALL_RECORDS, HEAD_OF_STREAM):
                connection, _ = listener.accept()
                connection.recv(65536)
                connection.sendall(answer)
                if answer is HEAD_OF_STREAM:
                    held.append(connection)
                else:
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with run_against(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_seconds=1) as run:
            channels = Channels(run.scenario(), {"id": "session_x"})
            with pytest.raises(NotChecked, match="no stream came back"):
                channels.stream("in")
        thread.join(5)
        for connection in held:
            connection.close()


def test_a_stream_that_ends_without_an_answer_is_a_failure() -> None:
    server = Scripted([ALL_RECORDS, b""])
    try:
        with run_against(server.url) as run:
            channels = Channels(run.scenario(), {"id": "session_x"})
            with pytest.raises(ClauseFailed, match=r"^channel.stream: expected 200"):
                channels.streamed("in")
    finally:
        server.close()
