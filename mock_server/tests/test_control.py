"""The control API is served as its document describes it, and a mistake is answered in one line."""

from __future__ import annotations

from typing import Any

import pytest
from control_caller import Control
from openapi_spec_validator import OpenAPIV31SpecValidator


def test_the_control_document_is_openapi(control: Control) -> None:
    assert list(OpenAPIV31SpecValidator(control.document).iter_errors()) == []


def test_every_operation_of_the_document_is_there(control: Control) -> None:
    for path, item in control.document["paths"].items():
        for method in set(item) & {"get", "post", "put", "patch", "delete"}:
            answer = control.client.request(
                method, path.removeprefix("/_adjourn").replace("{", "%7B").replace("}", "%7D")
            )
            assert answer.status_code != 500, (method, path)
            assert "nothing here" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/environments", {"kind": "test"}, 400, "kind"),
        ("POST", "/environments", {"seed": {"sessions": [{"id": 5}]}}, 400, "sessions[0]"),
        ("POST", "/environments", {"secretKey": "nope"}, 400, "must start with"),
        ("POST", "/environments", {"secretKey": "tr_dev_adjourn"}, 400, "given twice"),
        ("POST", "/environments", {"name": "dev"}, 400, "already"),
        ("POST", "/environments", {"clock": "yesterday"}, 400, "clock"),
        ("GET", "/environments/nobody", None, 404, "no environment 'nobody'"),
        ("GET", "/environments?limit=0", None, 400, "limit: 0 is less than the minimum of 1"),
        ("GET", "/environments?size=1", None, 400, "no parameter 'size'"),
        ("GET", "/environments/dev/journal?status=9", None, 400, "status"),
        ("GET", "/environments/dev/journal?timeout=soon", None, 400, "not a duration"),
        ("POST", "/environments/dev/faults", {"fault": "nope"}, 404, "no fault 'nope'"),
        ("POST", "/environments/dev/faults", {"fault": "latency", "parameters": {"seconds": 1}}, 400, "seconds"),
        ("POST", "/environments/dev/faults", {"fault": "status", "parameters": {"status": 200}}, 400, "status"),
        ("POST", "/environments/dev/faults", {"fault": "status", "operation": "open"}, 400, "no operation 'open'"),
        ("POST", "/environments/dev/faults", {"fault": "reason-trimmed", "parameters": {"a": 1}}, 400, "no parameters"),
        ("POST", "/environments/dev/clock", {"advance": "2 hours"}, 400, "not a duration"),
        ("POST", "/environments/dev/clock", {"freeze": True, "set": "2026-01-01T00:00:00Z"}, 400, ""),
        ("POST", "/environments/dev/clock", [], 400, ""),
        ("PUT", "/environments/dev", None, 405, "use GET, DELETE, PATCH"),
        ("GET", "/nothing", None, 404, "nothing here"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    control: Control, method: str, path: str, body: Any, status: int, error: str
) -> None:
    answer = control.client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert error in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_a_body_that_is_not_json_is_400(control: Control) -> None:
    for content in (b"{", b"\xff", b"[" * 100_000):
        assert control.client.post("/environments", content=content).status_code == 400
