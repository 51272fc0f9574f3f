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
        raise root.child("paths").fail(f"has no operation with the operationId {missing[0]!r}")
    schemas = root.child("components").child("schemas")
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
        dialects=root.child("x-dialects").as_strs(),
        friendly_prefix=schemas.child("SessionId").child("x-friendly-prefix").as_str(),
        run_prefix=schemas.child("RunId").child("x-friendly-prefix").as_str(),
        head_limit_bytes=root.child("x-head-limit-bytes").as_int(),
        key_prefixes=MappingProxyType(
            {kind: prefix.as_str() for kind, prefix in root.child("x-secret-key-prefixes").members()}
        ),
        token=_token(root.child("x-public-access-token")),
        rate_limit=_rate_limit(root.child("x-rate-limit")),
        cors=_cors(root.child("x-cors")),
    )


def _read(path: str | Path) -> Node:
    value = read_document(path)
    node = Node(str(path), value if isinstance(value, dict) else {}, value)
    version = node.child("openapi").as_str()
    if not version.startswith("3.1."):
        raise node.child("openapi").fail(f"must be 3.1, is {version}")
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
            node.child("statement").as_str().strip(),
            node.child("source").as_strs(),
            node.child("level").as_str(),
            _OPERATIONS if (names := node.child("operations").as_strs()) == ("all",) else names,
        )
        for slug, node in root.child("clauses").members()
    }
    grey_zones = {
        slug: GreyZone(
            slug,
            node.child("question").as_str(),
            node.child("documented").as_str(),
            node.child("server").as_str(),
            node.child("shades").as_strs(),
            tuple(status.as_int() for status in node.child("accepts").items()) if node.get("accepts") else (),
        )
        for slug, node in root.child("grey-zones").members()
    }
    return clauses, grey_zones


def _answers(root: Node, clauses: dict[str, Clause]) -> tuple[dict[str, int], dict[str, RefusalRule]]:
    """Which status each clause is answered with, gathered over all responses."""
    statuses: dict[str, int] = {}
    refusals: dict[str, RefusalRule] = {}
    for _, _, operation in _operations(root):
        for code, response in operation.child("responses").members():
            status = _status(response, code)
            for slug in named.as_strs() if (named := response.get("x-clauses")) else ():
                statuses[_known(response, slug, clauses)] = status
            members = extra.value if (extra := response.get("x-members")) else {}
            for slug, text in errors.members() if (errors := response.get("x-refusals")) else ():
                rule = RefusalRule(_known(response, slug, clauses), status, text.as_str(), MappingProxyType(members))
                if refusals.setdefault(slug, rule).status != status:
                    raise text.fail(f"is refused with {refusals[slug].status} elsewhere and with {status} here")
    return statuses, refusals


def _paths(root: Node, clauses: dict[str, Clause]) -> tuple[tuple[PathTemplate, ...], dict[str, Operation]]:
    operations: dict[str, Operation] = {}
    templates: dict[str, dict[str, str]] = {}
    for template, method, node in _operations(root):
        name = node.child("operationId").as_str()
        if name in operations:
            raise node.fail(f"repeats the operationId {name!r}")
        operations[name] = _operation(root, template, method, name, node)
        templates.setdefault(template, {})[method.upper()] = name
    paths = root.child("paths")
    return tuple(
        PathTemplate(
            template,
            MappingProxyType(methods),
            _clause_of(paths.child(template), "method", clauses),
        )
        for template, methods in templates.items()
    ), operations


def _operations(root: Node) -> Iterator[tuple[str, str, Node]]:
    for template, item in root.child("paths").members():
        if template.count("{") > 1:
            raise item.fail("has more than one path parameter")
        for method in _METHODS:
            if node := item.get(method):
                yield template, method, node


def _operation(root: Node, template: str, method: str, name: str, node: Node) -> Operation:
    pointer = f"/paths/{template.replace('~', '~0').replace('/', '~1')}/{method}"
    security = node.get("security") or root.child("security")
    clauses = node.get("x-clauses")
    return Operation(
        name=name,
        method=method.upper(),
        template=template,
        body=_body(root, body, pointer) if (body := node.get("requestBody")) else None,
        query=tuple(_query(root, parameters, pointer)) if (parameters := node.get("parameters")) else (),
        query_clause=clauses.child("invalid").as_str() if clauses else None,
        credentials=frozenset(scheme for entry in security.items() for scheme, _ in entry.members()),
        responses=MappingProxyType(dict(_responses(root, node.child("responses"), pointer))),
        grey_zones=grey.as_strs() if (grey := node.get("x-grey-zones")) else (),
    )


def _body(root: Node, node: Node, pointer: str) -> BodyRule:
    clauses = node.child("x-clauses")
    required = node.get("required")
    return BodyRule(
        required=bool(required and required.value),
        limit_bytes=node.child("x-body-limit-bytes").as_int(),
        schema=_media_schema(root, node, f"{pointer}/requestBody"),
        limit_clause=clauses.child("limit").as_str(),
        malformed_clause=clauses.child("malformed").as_str(),
        invalid_clause=clauses.child("invalid").as_str(),
    )


def _query(root: Node, parameters: Node, pointer: str) -> Iterator[QueryParameter]:
    for index, node in enumerate(parameters.items()):
        if node.child("in").as_str() == "query":
            schema = _schema(root, node.child("schema"), f"{pointer}/parameters/{index}/schema")
            style = node.get("style")
            yield QueryParameter(
                node.child("name").as_str(),
                style.as_str() if style else "form",
                node.child("schema").child("type").as_str(),
                schema,
            )


def _responses(root: Node, responses: Node, pointer: str) -> Iterator[tuple[int, Schema]]:
    for code, node in responses.members():
        raw = responses.value[code]
        reference = raw.get("$ref") if isinstance(raw, dict) else None
        place = reference[1:] if reference else f"{pointer}/responses/{code}"
        yield _status(node, code), _media_schema(root, node, place)


def _media_schema(root: Node, node: Node, pointer: str) -> Schema:
    schema = node.child("content").child("application/json").child("schema")
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
    template = root.child("paths").child(operation.template).child(operation.method.lower())
    media = template.child("requestBody").child("content").child("application/json")
    media.child("schema").child("properties").child("reason").child("maxLength").as_int()


def _token(node: Node) -> TokenRule:
    return TokenRule(
        algorithm=node.child("algorithm").as_str(),
        lifetime_seconds=node.child("lifetime-seconds").as_int(),
        issuer=node.child("issuer").as_str(),
        audience=node.child("audience").as_str(),
        grants=node.child("grants").as_strs(),
    )


def _rate_limit(node: Node) -> RateLimit:
    return RateLimit(
        tokens=node.child("tokens").as_int(),
        refill_tokens=node.child("refill-tokens").as_int(),
        refill_seconds=node.child("refill-seconds").as_int(),
    )


def _cors(node: Node) -> Cors:
    return Cors(
        methods=node.child("methods").as_strs(),
        expose_headers=node.child("expose-headers").as_strs(),
        max_age_seconds=node.child("max-age-seconds").as_int(),
    )


def _clause_of(node: Node, key: str, clauses: dict[str, Clause]) -> str:
    named = node.child("x-clauses").child(key)
    return _known(named, named.as_str(), clauses)


def _known(node: Node, slug: str, clauses: dict[str, Clause]) -> str:
    if slug not in clauses:
        raise node.fail(f"names the clause {slug!r}, which the catalogue does not have")
    return slug


def _status(node: Node, code: str) -> int:
    if not (code.isdecimal() and len(code) == 3):
        raise node.fail(f"must be under a three-digit status, is under {code!r}")
    return int(code)
