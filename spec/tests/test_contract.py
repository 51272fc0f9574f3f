"""The contract as data: complete, consistent, immutable; a broken document is reported in one line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

import adjourn_spec
from adjourn_spec import Contract, DocumentError, ExternalId, FriendlyId, load_contract, openapi_path, read_document

HTTP_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


def edited(tmp_path: Path, edit: Any) -> Path:
    document = read_document(openapi_path())
    edit(document)
    path = tmp_path / "edited.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_the_document_is_valid_openapi(contract: Contract) -> None:
    assert list(OpenAPIV31SpecValidator(contract.document).iter_errors()) == []


def test_every_example_is_valid(contract: Contract) -> None:
    examples = contract.document["components"]["examples"]
    for name, schema in (
        ("openSession", "Session"),
        ("closedSession", "Session"),
        ("createdSession", "CreatedSession"),
        ("cachedSession", "CreatedSession"),
        ("sessionPage", "SessionPage"),
    ):
        assert list(contract.schema(schema).violations(examples[name]["value"])) == []
    for operation in contract.operations.values():
        definition = contract.document["paths"][operation.template][operation.method.lower()]
        media = definition.get("requestBody", {}).get("content", {}).get("application/json", {})
        for example in media.get("examples", {}).values():
            assert operation.body is not None
            assert list(operation.body.schema.violations(example["value"])) == []
        for parameter in operation.query:
            written = next(p for p in definition["parameters"] if p["name"] == parameter.name)
            assert list(parameter.schema.violations(written["example"])) == []
    for response in contract.document["components"]["responses"].values():
        assert list(contract.schema("Error").violations(response["content"]["application/json"]["example"])) == []


def test_every_operation_has_a_clause(contract: Contract) -> None:
    assert {name for clause in contract.clauses.values() for name in clause.operations} == set(contract.operations)


def test_every_status_belongs_to_a_clause(contract: Contract) -> None:
    named = set(contract.statuses.values()) | {rule.status for rule in contract.refusals.values()}
    for operation in contract.operations.values():
        assert set(operation.responses) <= named
        for status in operation.responses:
            definition = contract.document["paths"][operation.template][operation.method.lower()]
            response = definition["responses"][str(status)]
            if "$ref" in response:
                response = contract.document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
            assert response.get("x-clauses") or response.get("x-refusals"), (operation.name, status)


def test_every_limit_belongs_to_a_clause(contract: Contract) -> None:
    for operation in contract.operations.values():
        if operation.body is not None:
            for slug in (operation.body.limit_clause, operation.body.malformed_clause, operation.body.invalid_clause):
                assert slug in contract.clauses
                assert slug in contract.refusals
    body = contract.operations["closeSession"].body
    assert body is not None
    assert body.schema.definition["properties"]["reason"]["x-clauses"] == {
        "type": "reason.type",
        "maxLength": "reason.limit",
    }


def test_grey_zones_affect_existing_clauses_and_an_operation_names_each(contract: Contract) -> None:
    assert {slug for zone in contract.grey_zones.values() for slug in zone.affects} <= set(contract.clauses)
    named = {slug for operation in contract.operations.values() for slug in operation.grey_zones}
    assert named <= set(contract.grey_zones)
    assert named == set(contract.grey_zones)


def test_create_links_to_retrieve_update_and_close_by_both_ids(contract: Contract) -> None:
    create = contract.document["paths"]["/api/v1/sessions"]["post"]
    for status in ("200", "201"):
        assert set(create["responses"][status]["links"]) == {
            f"{verb}By{form}" for verb in ("retrieve", "update", "close") for form in ("Id", "ExternalId")
        }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("session_abc", FriendlyId("session_abc")),
        ("session_", FriendlyId("session_")),
        ("Session_abc", ExternalId("Session_abc")),
        ("sessions1", ExternalId("sessions1")),
        ("my_session_1", ExternalId("my_session_1")),
        (" session_1", ExternalId(" session_1")),
        ("", ExternalId("")),
    ],
)
def test_friendly_ids_are_recognised_by_exactly_the_prefix(contract: Contract, value: str, expected: object) -> None:
    assert contract.identify(value) == expected
    assert type(contract.identify(value)) is type(expected)


def test_a_changed_document_changes_limits_and_prefix(tmp_path: Path) -> None:
    def edit(document: Any) -> None:
        document["components"]["schemas"]["CloseSession"]["properties"]["reason"]["maxLength"] = 100
        document["components"]["schemas"]["SessionId"]["x-friendly-prefix"] = "sess_"
        document["paths"]["/api/v1/sessions/{session}/close"]["post"]["requestBody"]["x-body-limit-bytes"] = 512

    contract = load_contract(edited(tmp_path, edit))
    assert contract.reason_max_length == 100
    assert contract.operations["closeSession"].body.limit_bytes == 512  # type: ignore[union-attr]
    assert contract.identify("sess_1") == FriendlyId("sess_1")
    assert contract.identify("session_1") == ExternalId("session_1")
    assert contract.document["components"]["schemas"]["SessionId"]["pattern"] == "^sess_"
    assert not contract.schema("SessionId").is_valid("session_1")


def test_violations_name_place_keyword_and_clause(contract: Contract) -> None:
    body = contract.operations["closeSession"].body
    assert body is not None
    (violation,) = body.schema.violations({"reason": "x" * (contract.reason_max_length + 1)})
    assert (violation.place, violation.keyword, violation.clause) == ("reason", "maxLength", "reason.limit")
    (violation,) = body.schema.violations({"reason": None})
    assert violation.clause == "reason.type"


def test_the_contract_is_immutable(contract: Contract) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        contract.friendly_prefix = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        contract.clauses["new"] = next(iter(contract.clauses.values()))  # type: ignore[index]


@pytest.mark.parametrize(
    ("edit", "place"),
    [
        (lambda d: d.pop("openapi"), "needs 'openapi'"),
        (lambda d: d.update(openapi="3.0.3"), "must be 3.1, is 3.0.3"),
        (
            lambda d: d["paths"].pop("/api/v1/sessions/{session}/close"),
            "no operation with the operationId 'closeSession'",
        ),
        (
            lambda d: d["paths"]["/api/v1/sessions/{session}/close"]["post"]["requestBody"].update(
                {"x-body-limit-bytes": "1KB"}
            ),
            "x-body-limit-bytes: must be int, is str",
        ),
        (
            lambda d: d["components"]["schemas"]["CloseSession"]["properties"]["reason"].pop("maxLength"),
            "CloseSession.properties.reason: needs 'maxLength'",
        ),
        (
            lambda d: d["components"]["schemas"]["CloseSession"]["properties"]["reason"].update(maxLength="many"),
            "is not a valid schema",
        ),
        (
            lambda d: d["components"]["responses"]["NotFound"]["x-refusals"].update({"id.imagined": "x"}),
            "names the clause 'id.imagined'",
        ),
        (
            lambda d: d["components"]["responses"]["NotFound"]["x-refusals"].update({"body.limit": "x"}),
            "is refused with",
        ),
        (
            lambda d: d["paths"]["/api/v1/sessions"]["get"]["responses"].update({"401": {"$ref": "other.yaml#/x"}}),
            "only references within the document",
        ),
        (
            lambda d: d["paths"]["/api/v1/sessions"]["get"]["responses"].update(
                {"401": {"$ref": "#/components/responses/Nothing"}}
            ),
            "which does not exist",
        ),
        (
            lambda d: d["components"]["schemas"]["CloseSession"]["properties"].update(x={"$ref": "#/nowhere/at/all"}),
            "components.schemas.CloseSession.properties.x: refers to '#/nowhere/at/all', which does not exist",
        ),
    ],
)
def test_a_broken_document_is_one_line_with_file_place_and_reason(tmp_path: Path, edit: Any, place: str) -> None:
    path = edited(tmp_path, edit)
    with pytest.raises(DocumentError) as caught:
        load_contract(path)
    assert str(caught.value).startswith(str(path))
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.yaml", b"a: [1", "line 2 column 1"),
        ("a.yaml", b"\xff\xfe\x00", "is not UTF-8"),
        ("a.json", b'{"a": 1,}', "line 1 column"),
        ("a.yaml", b"!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a.yaml", b"- 1", "must be an object"),
        (
            "a.yaml",
            b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 10)) for i in range(8)),
            "more than 1000000 values",
        ),
        ("a.json", b"[" * 200_000, "nested too deeply"),
        ("a.yaml", b"a: !!bool x", "line 1 column 4: is not a valid bool"),
        ("a.yaml", b"a: !!timestamp x", "line 1 column 4: could not determine a constructor"),
        ("a.yaml", b"a: " + b"1" * 5000, "line 1 column 4: is not a valid int"),
        ("a.json", b'{"a": ' + b"1" * 5000 + b"}", "limit (4300 digits)"),
        (
            "a.yaml",
            b"a: &a {" + b", ".join(b"k%d: 1" % n for n in range(2000)) + b"}\n"
            b"b: [" + b", ".join([b"{<<: *a}"] * 2000) + b"]\n",
            "merges more than 1000000 values",
        ),
        ("a.yaml", b"a: &a {<<: *a}", "nested too deeply"),
        ("a.yaml", b"a:\n  b: 1\n  c: 2\n  b: 3\n", "line 4 column 3: the key 'b' occurs twice"),
        ("a.yaml", b"- {x: 1, x: 1}", "the key 'x' occurs twice"),
    ],
    ids=[
        *("yaml", "utf8", "json", "tag", "array", "aliases", "deep", "bool", "timestamp"),
        *("yaml digits", "json digits", "merges", "merged into itself", "key", "key in a flow"),
    ],
)
def test_an_unreadable_file_is_reported_with_its_place(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DocumentError) as caught:
        load_contract(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)


def test_a_merge_key_may_be_overridden(tmp_path: Path) -> None:
    path = tmp_path / "merged.yaml"
    path.write_text("base: &base {a: 1, b: 2}\nmore: {<<: *base, b: 3}\n")
    assert read_document(path)["more"] == {"a": 1, "b": 3}


def test_a_missing_file_is_reported() -> None:
    with pytest.raises(DocumentError, match=r"nowhere\.yaml: No such file"):
        load_contract("nowhere.yaml")


def test_dates_in_yaml_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "dates.yaml"
    path.write_text("at: 2026-01-02T03:04:05Z\nday: 2026-01-02\n")
    assert read_document(path) == {"at": "2026-01-02T03:04:05Z", "day": "2026-01-02"}


def test_the_document_can_be_json(tmp_path: Path, contract: Contract) -> None:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(contract.document))
    assert load_contract(path).operations.keys() == contract.operations.keys()


def test_every_public_name_exists() -> None:
    for name in adjourn_spec.__all__:
        assert getattr(adjourn_spec, name).__doc__


def test_lone_surrogates_are_validated_like_other_characters(contract: Contract) -> None:
    schema = contract.schema("CreateSession")
    body = {"type": "a", "taskIdentifier": "b", "triggerConfig": {"basePayload": {"\udfff": ["\ud800"]}}}
    assert schema.is_valid({**body, "externalId": "\ud800"})
    assert not schema.is_valid({**body, "externalId": "\ud800" * 257})
    assert [each.keyword for each in schema.violations({**body, "type": "\ud800" * 65})] == ["maxLength"]
    assert [each.place for each in schema.violations({**body, "expiresAt": "\ud800"})] == ["expiresAt"]
