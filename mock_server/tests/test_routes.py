"""Raw paths to operations and segments."""

from __future__ import annotations

import pytest

from adjourn_mock.exchanges.routes import Routes, decode_segment
from adjourn_spec import Contract


@pytest.mark.parametrize(
    ("raw_path", "operations", "segment"),
    [
        (b"/api/v1/sessions", {"createSession", "listSessions"}, None),
        (b"/api/v1/sessions/a", {"retrieveSession", "updateSession"}, b"a"),
        (b"/api/v1/sessions/a%2Fb", {"retrieveSession", "updateSession"}, b"a%2Fb"),
        (b"/api/v1/sessions/a/close", {"closeSession"}, b"a"),
        (b"/api/v1/sessions/close/close", {"closeSession"}, b"close"),
        (b"/api/v1/sessions/..", {"retrieveSession", "updateSession"}, b".."),
    ],
)
def test_a_path_leads_to_its_operations(
    contract: Contract, raw_path: bytes, operations: set[str], segment: bytes | None
) -> None:
    found = Routes(contract).match(raw_path)
    assert found is not None
    path, raw_segment = found
    assert {operation.name for operation in path.operations.values()} == operations
    assert raw_segment == segment


@pytest.mark.parametrize(
    "raw_path",
    [
        b"",
        b"/",
        b"/api/v1/sessions/",
        b"/api/v1/sessions//close",
        b"/api/v1/sessions/a/close/",
        b"/API/v1/sessions",
        b"/api/v1/sessionsx",
        b"/api/v1/sessions/a/closed",
        b"x/api/v1/sessions",
        b"/api%2Fv1/sessions",
    ],
)  # fmt: skip - a list of paths
def test_other_paths_lead_nowhere(contract: Contract, raw_path: bytes) -> None:
    assert Routes(contract).match(raw_path) is None


def test_letter_case_of_the_fixed_parts_is_ignored_on_request(contract: Contract) -> None:
    found = Routes(contract).match(b"/API/V1/Sessions/Abc/CLOSE", any_case=True)
    assert found is not None
    assert (found[0].operations["POST"].name, found[1]) == ("closeSession", b"Abc")


@pytest.mark.parametrize(
    ("segment", "text"),
    [(b"abc", "abc"), (b"a%2Fb", "a/b"), (b"a%2fb", "a/b"), (b"%252F", "%2F"), (b"a+b", "a+b"), (b"%C3%A9", "é")],
)
def test_a_segment_is_percent_decoded_once(segment: bytes, text: str) -> None:
    assert decode_segment(segment) == text


@pytest.mark.parametrize("segment", [b"%", b"%2", b"%zz", b"a%", b"%FF", b"%C0%AF", b"%ED%A0%80", b"\xff"])
def test_a_segment_that_is_not_percent_encoded_utf_8_is_refused(segment: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_segment(segment)
