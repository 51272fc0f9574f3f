"""Requests byte by byte, for what an HTTP client does not send."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sessions_api import Api

AUTH = b"authorization: Bearer tr_dev_adjourn\r\n"
WRONG = b"authorization: Bearer tr_dev_wrong\r\n"
CLOSE = "/api/v1/sessions/nobody/close"


class Seen(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> Any:
        return json.loads(self.body)["error"]


def ask(api: Api, method: str, target: str, head: bytes = AUTH, body: bytes | None = b"{}") -> Seen:
    length = b"" if body is None else b"content-length: %d\r\n" % len(body)
    answer = api.raw(f"{method} {target} HTTP/1.1\r\nhost: x\r\n".encode() + head + length + b"\r\n" + (body or b""))
    lines, _, content = answer.partition(b"\r\n\r\n")
    first, *rest = lines.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return Seen(int(first.split()[1]), headers, content)
