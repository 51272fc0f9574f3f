"""From `openapi.yaml` and `clauses.yaml` to one `Contract`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

from adjourn_spec.contract import (
    BodyRule,
    Clause,
    Contract,
    Cors,
    GreyZone,
    Operation,
    PathTemplate,
    QueryParameter,
    RateLimit,
    RefusalRule,
    TokenRule,
)
from adjourn_spec.documents import read_document
from adjourn_spec.node import Node
from adjourn_spec.schema import Schema

__all__ = ["load_contract", "openapi_path"]

_HERE = Path(__file__).parent
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_OPERATIONS = ("createSession", "listSessions", "retrieveSession", "updateSession", "closeSession")


def openapi_path() -> Path:
    """Where the document that ships with adjourn lies."""
    return _HERE / "openapi.yaml"


def load_contract(path: str | Path | None = None) -> Contract:
    """Read the contract from an OpenAPI document, the one that ships with adjourn by default.

    Args:
        path: another document with the same operations; its limits, prefixes and
            schemas then hold everywhere.

    Raises:
        DocumentError: a file is missing or broken, with the file, the place and the reason.
    """
    root = _read(path or openapi_path())
    _restate_prefixes(root.value)
    clauses, grey_zones = _catalogue()
    statuses, refusals = _answers(root, clauses)
    paths, operations = _paths(root, clauses)
    if missing := [name for name in _OPERATIONS if name not in operations]:
        raise root.member("paths").fail(f"has no operation with the operationId {missing[0]!r}")
    schemas = root.member("components").member("schemas")
    _reason(operations["closeSession"], root)
    return Contract(
        document=root.value,
        file=root.file,
        operations=MappingProxyType(operations),
        paths=paths,
        statuses=MappingProxyType(statuses),
        refusals=MappingProxyType(refusals),
        clauses=MappingProxyType(clauses),
        grey_zones=MappingProxyType(grey_zones),
        dialects=root.member("x-dialects").texts(),
        friendly_prefix=schemas.member("SessionId").member("x-friendly-prefix").text(),
        run_prefix=schemas.member("RunId").member("x-friendly-prefix").text(),
        head_limit_bytes=root.member("x-head-limit-bytes").number(),
        key_prefixes=MappingProxyType(
            {kind: prefix.text() for kind, prefix in root.member("x-secret-key-prefixes").members()}
        ),
        token=_token(root.member("x-public-access-token")),
        rate_limit=_rate_limit(root.member("x-rate-limit")),
        cors=_cors(root.member("x-cors")),
    )


def _read(path: str | Path) -> Node:
    value = read_document(path)
    node = Node(str(path), value if isinstance(value, dict) else {}, value)
    version = node.member("openapi").text()
    if not version.startswith("3.1."):
        raise node.member("openapi").fail(f"must be 3.1, is {version}")
    return node


def _restate_prefixes(value: Any) -> None:
    """Bring each `pattern` in line with the `x-friendly-prefix` beside it."""
    for schema in _objects(value):
        if isinstance(prefix := schema.get("x-friendly-prefix"), str):
            schema["pattern"] = f"^{prefix}"


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from _objects(member)
    elif isinstance(value, list):
        for element in value:
            yield from _objects(element)


def _catalogue() -> tuple[dict[str, Clause], dict[str, GreyZone]]:
    path = _HERE / "clauses.yaml"
    value = read_document(path)
    root = Node(str(path), value, value)
    clauses = {
        slug: Clause(
            slug,
            node.member("statement").text().strip(),
            node.member("source").texts(),
            node.member("level").text(),
            _OPERATIONS if (names := node.member("operations").texts()) == ("all",) else names,
        )
        for slug, node in root.member("clauses").members()
    }
    grey_zones = {
        slug: GreyZone(
            slug,
            node.member("question").text(),
            node.member("documented").text(),
            node.member("server").text(),
            node.member("shades").texts(),
            tuple(status.number() for status in node.member("accepts").elements()) if node.get("accepts") else (),
        )
        for slug, node in root.member("grey-zones").members()
    }
    return clauses, grey_zones


def _answers(root: Node, clauses: dict[str, Clause]) -> tuple[dict[str, int], dict[str, RefusalRule]]:
    """Which status each clause is answered with, gathered over all responses."""
    statuses: dict[str, int] = {}
    refusals: dict[str, RefusalRule] = {}
    for _, _, operation in _operations(root):
        for code, response in operation.member("responses").members():
            status = _status(response, code)
            for slug in named.texts() if (named := response.get("x-clauses")) else ():
                statuses[_known(response, slug, clauses)] = status
            members = extra.value if (extra := response.get("x-members")) else {}
            for slug, text in errors.members() if (errors := response.get("x-refusals")) else ():
                rule = RefusalRule(_known(response, slug, clauses), status, text.text(), MappingProxyType(members))
                if refusals.setdefault(slug, rule).status != status:
                    raise text.fail(f"is refused with {refusals[slug].status} elsewhere and with {status} here")
    return statuses, refusals


def _paths(root: Node, clauses: dict[str, Clause]) -> tuple[tuple[PathTemplate, ...], dict[str, Operation]]:
    operations: dict[str, Operation] = {}
    templates: dict[str, dict[str, str]] = {}
    for template, method, node in _operations(root):
        name = node.member("operationId").text()
        if name in operations:
            raise node.fail(f"repeats the operationId {name!r}")
        operations[name] = _operation(root, template, method, name, node)
        templates.setdefault(template, {})[method.upper()] = name
    paths = root.member("paths")
    return tuple(
        PathTemplate(
            template,
            MappingProxyType(methods),
            _clause_of(paths.member(template), "method", clauses),
        )
        for template, methods in templates.items()
    ), operations


def _operations(root: Node) -> Iterator[tuple[str, str, Node]]:
    for template, item in root.member("paths").members():
        if template.count("{") > 1:
            raise item.fail("has more than one path parameter")
        for method in _METHODS:
            if node := item.get(method):
                yield template, method, node


def _operation(root: Node, template: str, method: str, name: str, node: Node) -> Operation:
    pointer = f"/paths/{template.replace('~', '~0').replace('/', '~1')}/{method}"
    security = node.get("security") or root.member("security")
    clauses = node.get("x-clauses")
    return Operation(
        name=name,
        method=method.upper(),
        template=template,
        body=_body(root, body, pointer) if (body := node.get("requestBody")) else None,
        query=tuple(_query(root, parameters, pointer)) if (parameters := node.get("parameters")) else (),
        query_clause=clauses.member("invalid").text() if clauses else None,
        credentials=frozenset(scheme for entry in security.elements() for scheme, _ in entry.members()),
        responses=MappingProxyType(dict(_responses(root, node.member("responses"), pointer))),
        grey_zones=grey.texts() if (grey := node.get("x-grey-zones")) else (),
    )


def _body(root: Node, node: Node, pointer: str) -> BodyRule:
    clauses = node.member("x-clauses")
    required = node.get("required")
    return BodyRule(
        required=bool(required and required.value),
        limit_bytes=node.member("x-body-limit-bytes").number(),
        schema=_media_schema(root, node, f"{pointer}/requestBody"),
        limit_clause=clauses.member("limit").text(),
        malformed_clause=clauses.member("malformed").text(),
        invalid_clause=clauses.member("invalid").text(),
    )


def _query(root: Node, parameters: Node, pointer: str) -> Iterator[QueryParameter]:
    for index, node in enumerate(parameters.elements()):
        if node.member("in").text() == "query":
            schema = _schema(root, node.member("schema"), f"{pointer}/parameters/{index}/schema")
            style = node.get("style")
            yield QueryParameter(
                node.member("name").text(),
                style.text() if style else "form",
                node.member("schema").member("type").text(),
                schema,
            )


def _responses(root: Node, responses: Node, pointer: str) -> Iterator[tuple[int, Schema]]:
    for code, node in responses.members():
        raw = responses.value[code]
        reference = raw.get("$ref") if isinstance(raw, dict) else None
        place = reference[1:] if reference else f"{pointer}/responses/{code}"
        yield _status(node, code), _media_schema(root, node, place)


def _media_schema(root: Node, node: Node, pointer: str) -> Schema:
    schema = node.member("content").member("application/json").member("schema")
    return _schema(root, schema, f"{pointer}/content/application~1json/schema")


def _schema(root: Node, node: Node, pointer: str) -> Schema:
    schema = Schema(root.value, pointer)
    try:
        schema.compile()
    except ValueError as error:
        raise node.fail(f"is not a valid schema: {str(error).splitlines()[0]}") from None
    return schema


def _reason(operation: Operation, root: Node) -> None:
    """The close body must say how long a reason may be: everything else builds on it."""
    template = root.member("paths").member(operation.template).member(operation.method.lower())
    media = template.member("requestBody").member("content").member("application/json")
    media.member("schema").member("properties").member("reason").member("maxLength").number()


def _token(node: Node) -> TokenRule:
    return TokenRule(
        algorithm=node.member("algorithm").text(),
        lifetime_seconds=node.member("lifetime-seconds").number(),
        issuer=node.member("issuer").text(),
        audience=node.member("audience").text(),
        grants=node.member("grants").texts(),
    )


def _rate_limit(node: Node) -> RateLimit:
    return RateLimit(
        tokens=node.member("tokens").number(),
        refill_tokens=node.member("refill-tokens").number(),
        refill_seconds=node.member("refill-seconds").number(),
    )


def _cors(node: Node) -> Cors:
    return Cors(
        methods=node.member("methods").texts(),
        expose_headers=node.member("expose-headers").texts(),
        max_age_seconds=node.member("max-age-seconds").number(),
    )


def _clause_of(node: Node, key: str, clauses: dict[str, Clause]) -> str:
    named = node.member("x-clauses").member(key)
    return _known(named, named.text(), clauses)


def _known(node: Node, slug: str, clauses: dict[str, Clause]) -> str:
    if slug not in clauses:
        raise node.fail(f"names the clause {slug!r}, which the catalogue does not have")
    return slug


def _status(node: Node, code: str) -> int:
    if not (code.isdecimal() and len(code) == 3):
        raise node.fail(f"must be under a three-digit status, is under {code!r}")
    return int(code)
