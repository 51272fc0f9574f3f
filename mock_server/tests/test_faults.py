"""The catalogue of faults, how they are named and parsed, faults of a user's own, and their journal entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adjourn_mock import MockServer, create_app
from adjourn_mock.exchanges.exchange import Answer, Note, Refusal, Request
from adjourn_mock.faults import FAULTS, NETWORK_FAULTS, Fault, FaultCatalogue, UnknownFaultError
from adjourn_mock.faults.members import adding, setting, setting_in, without, without_values
from adjourn_mock.faults.steps import given
from adjourn_spec import load_contract

CLOSE = "/api/v1/sessions/chat_1/close"
SEED = {"sessions": [{"externalId": "chat_1"}]}
SHOUTING = Fault(
    "reason-upper-case",
    "reason.verbatim",
    "The server records the reason in upper case.",
    given("close", setting("reason", str.upper)),
)


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(own_faults=[SHOUTING], seed=SEED) as running:
        yield running


def enable(server: MockServer, **fault: Any) -> httpx.Response:
    return httpx.post(f"{server.url}/_adjourn/environments/dev/faults", json=fault)


def close(server: MockServer, method: str = "POST", tail: str = "", **headers: str) -> httpx.Response:
    url = f"{server.url}{CLOSE}{tail}"
    return httpx.request(method, url, headers={**server.headers, **headers}, json={"reason": "bye"})


# parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("later-close-409", ("later-close-409", {})),
        ("latency", ("latency", {})),
        ("latency=200ms", ("latency", {"milliseconds": 200})),
        ("latency=1.5s", ("latency", {"milliseconds": 1500})),
        ("latency=200", ("latency", {"milliseconds": 200})),
        (
            "latency=milliseconds:20ms,distribution:normal,spread:5",
            ("latency", {"milliseconds": 20, "distribution": "normal", "spread": 5}),
        ),
        ("latency=seed:7", ("latency", {"seed": 7})),
        ("status=429", ("status", {"status": 429})),
        ("status=status:429,retryAfterSeconds:2", ("status", {"status": 429, "retryAfterSeconds": 2})),
        ("connection-reset=applied", ("connection-reset", {"effect": "applied"})),
        ("truncated-body=10", ("truncated-body", {"bytes": 10})),
        ("slow-body=2s", ("slow-body", {"milliseconds": 2000})),
    ],
)  # fmt: skip - a table of cases
def test_a_text_names_a_fault_and_its_parameters(text: str, expected: tuple[str, dict[str, Any]]) -> None:
    assert FaultCatalogue().parse(text) == expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("latency=fast", "latency: milliseconds: 'fast' is"),
        ("latency=", "latency: milliseconds: '' is"),
        ("latency=pause:1", "latency: 'pause' is not a parameter with a value; use milliseconds:VALUE"),
        ("latency=milliseconds:1,normal", "latency: 'normal' is not a parameter with a value"),
        ("latency=distribution:odd", "latency: distribution cannot be 'odd'"),
        ("status=200", "status: status cannot be '200': Expected `int` >= 400"),
        ("status=x", "status: status cannot be 'x'"),
        ("later-close-409=2", "later-close-409 takes no parameters; write later-close-409 alone"),
    ],
)
def test_a_wrong_parameter_is_one_line_that_names_what_is_allowed(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        FaultCatalogue().parse(text)
    assert str(raised.value).startswith(error)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["nope", "nope=1", "", "=", "LATENCY"])
def test_an_unknown_name_is_reported_with_where_to_find_names(text: str) -> None:
    with pytest.raises(UnknownFaultError, match="adjourn faults list"):
        FaultCatalogue().parse(text)
    with pytest.raises(ValueError, match=r"there is no fault .* adjourn faults list"):
        create_app(faults=[text])


@pytest.mark.parametrize("kind", NETWORK_FAULTS.values(), ids=NETWORK_FAULTS)
def test_the_main_parameter_of_a_network_condition_is_one_of_its_parameters(kind: Any) -> None:
    assert kind.main in kind.__struct_encode_fields__


def test_a_server_takes_network_conditions_by_text() -> None:
    with MockServer(faults=["status=status:418,error:short and stout"], seed=SEED) as server:
        answer = close(server)
    assert (answer.status_code, answer.json()) == (418, {"error": "short and stout"})


# the tables


def test_every_fault_violates_a_clause_of_the_contract() -> None:
    assert {fault.clause for fault in FAULTS.values()} <= set(load_contract().clauses)


def test_summaries_are_sentences_about_the_server() -> None:
    assert [fault.name for fault in FAULTS.values() if not fault.summary.startswith("The server ")] == []
    assert [fault.name for fault in FAULTS.values() if not fault.summary.endswith(".")] == []


def test_descriptions_have_every_fault_and_network_condition_once() -> None:
    names = [description["name"] for description in FaultCatalogue([SHOUTING]).descriptions()]
    assert sorted(names) == sorted({*NETWORK_FAULTS, *FAULTS, SHOUTING.name})


# faults of a user's own


def test_an_own_fault_is_enabled_by_name_at_the_start() -> None:
    with MockServer(own_faults=[SHOUTING], faults=[SHOUTING.name], seed=SEED) as server:
        assert close(server).json()["closedReason"] == "BYE"


def test_an_own_fault_is_enabled_and_disabled_over_the_control_api(server: MockServer) -> None:
    enabled = enable(server, fault=SHOUTING.name)
    assert enabled.status_code == 201
    assert close(server).json()["closedReason"] == "BYE"
    listed = httpx.get(f"{server.url}/_adjourn/faults").json()
    assert [each["summary"] for each in listed["faults"] if each["name"] == SHOUTING.name] == [SHOUTING.summary]


def test_without_its_name_an_own_fault_changes_nothing(server: MockServer) -> None:
    assert close(server).json()["closedReason"] == "bye"


def test_an_own_fault_replaces_the_built_in_one_of_that_name() -> None:
    own = Fault("later-close-409", SHOUTING.clause, SHOUTING.summary, SHOUTING.change)
    with MockServer(own_faults=[own], faults=["later-close-409"], seed=SEED) as server:
        assert [close(server).json()["closedReason"], close(server).status_code] == ["BYE", 200]


def test_an_own_fault_that_is_not_given_is_unknown(server: MockServer) -> None:
    answer = enable(server, fault="reason-lower-cas")
    assert answer.status_code == 404
    assert "there is no fault 'reason-lower-cas'" in answer.json()["error"]
    with pytest.raises(ValueError, match="there is no fault 'reason-lower-cas'"):
        create_app(own_faults=[SHOUTING], faults=["reason-lower-cas"])


# the journal


def entries(server: MockServer) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = httpx.get(f"{server.url}/_adjourn/environments/dev/journal").json()["entries"]
    return listed


def test_the_journal_shows_the_method_that_was_sent_where_a_fault_overrides_it(server: MockServer) -> None:
    enable(server, fault="method-override")
    assert close(server, "GET", **{"X-HTTP-Method-Override": "POST"}).status_code == 200
    assert [(entry["method"], entry["operation"]) for entry in entries(server)] == [("GET", "closeSession")]


def test_the_journal_shows_the_path_that_was_sent_where_a_fault_cuts_it(server: MockServer) -> None:
    enable(server, fault="path-tail-ignored")
    assert close(server, tail="/more").status_code == 200
    assert [entry["path"] for entry in entries(server)] == [f"{CLOSE}/more"]


# notes, answers, refusals


def test_notes_of_two_faults_do_not_collide() -> None:
    request = Request("GET", b"/", b"", [], {})
    one, other = Note[int]("a number"), Note[int]("a number")
    one.write(request.notes, 1)
    assert (one.read(request.notes), other.read(request.notes)) == (1, None)
    assert Request("GET", b"/", b"", [], {}).notes == {}


def test_answers_and_refusals_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Answer(200, b"").status = 201  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Refusal("id.unknown").status = 500  # type: ignore[misc]


# edits


def test_edits_return_other_members_and_leave_the_given_ones() -> None:
    given = {"a": 1, "b": {"c": None}}
    assert without("a")(given) == {"b": {"c": None}}
    assert without_values(1)(given) == {"b": {"c": None}}
    assert adding(d=2)(given) == {**given, "d": 2}
    assert setting("a", str)(given) == {"a": "1", "b": {"c": None}}
    assert setting("z", str)(given) == given
    assert setting_in(("b", "c"), str)(given) == {"a": 1, "b": {"c": "None"}}
    assert setting_in(("a", "c"), str)(given) == given
    assert given == {"a": 1, "b": {"c": None}}
