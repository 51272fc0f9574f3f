"""From `openapi.yaml` and `clauses.yaml` to one `Contract`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from adjourn_spec.contract import (
    BodyRule,
    ChannelRule,
    Clause,
    Contract,
    Cors,
    Count,
    GreyZone,
    Operation,
    PathTemplate,
    QueryParameter,
    RateLimit,
    RefusalRule,
    Scopes,
    TokenRule,
)
from adjourn_spec.documents import read_document
from adjourn_spec.node import Node
from adjourn_spec.schema import Schema, registry_of

__all__ = ["load_contract", "openapi_path"]

_HERE = Path(__file__).parent
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_FORBIDDEN = "auth.secret-only"
_OPERATIONS = ("createSession", "listSessions", "retrieveSession", "updateSession", "closeSession")


def openapi_path() -> Path:
    """The path of the document that ships with adjourn."""
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
    extensions = root.convert(_RootExtensions)
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
        dialects=extensions.dialects,
        friendly_prefix=schemas.child("SessionId").child("x-friendly-prefix").convert(str),
        run_prefix=schemas.child("RunId").child("x-friendly-prefix").convert(str),
        head_limit_bytes=extensions.head_limit_bytes,
        page_size=schemas.child("Page").child("properties").child("size").child("default").convert(Count),
        key_prefixes=MappingProxyType(extensions.secret_key_prefixes),
        token=extensions.public_access_token,
        rate_limit=extensions.rate_limit,
        cors=extensions.cors,
        channels=extensions.channels,
    )


def _extension(field: str) -> str:
    """The `x-` member that a field of a struct below is read from."""
    return f"x-{field.replace('_', '-')}"


class _RootExtensions(msgspec.Struct, frozen=True, rename=_extension):
    """The `x-` members of the document itself."""

    dialects: tuple[str, ...]
    head_limit_bytes: Count
    secret_key_prefixes: dict[str, str]
    public_access_token: TokenRule
    rate_limit: RateLimit
    cors: Cors
    channels: ChannelRule = ChannelRule()


class _BodyClauses(msgspec.Struct, frozen=True):
    limit: str
    malformed: str
    invalid: str


class _BodyExtensions(msgspec.Struct, frozen=True, rename=_extension):
    """The `x-` members of a request body."""

    body_limit_bytes: Count
    clauses: _BodyClauses
    text: bool = False


class _ResponseExtensions(msgspec.Struct, frozen=True, rename=_extension):
    """The `x-` members of a response."""

    clauses: tuple[str, ...] = ()
    refusals: dict[str, str] = {}
    members: dict[str, Any] = {}


def _read(path: str | Path) -> Node:
    value = read_document(path)
    node = Node(str(path), value if isinstance(value, dict) else {}, value)
    version = node.child("openapi").convert(str)
    if not version.startswith("3.1."):
        raise node.child("openapi").fail(f"must be 3.1, is {version}")
    node.check_references()
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
    clauses = {slug: _clause(node, slug) for slug, node in root.child("clauses").members()}
    grey_zones = {
        slug: node.with_member("slug", slug).convert(GreyZone) for slug, node in root.child("grey-zones").members()
    }
    return clauses, grey_zones


def _clause(node: Node, slug: str) -> Clause:
    clause = node.with_member("slug", slug).convert(Clause)
    operations = _OPERATIONS if clause.operations == ("all",) else clause.operations
    return msgspec.structs.replace(clause, statement=clause.statement.strip(), operations=operations)


def _answers(root: Node, clauses: dict[str, Clause]) -> tuple[dict[str, int], dict[str, RefusalRule]]:
    """Which status each clause is answered with, gathered over all responses."""
    statuses: dict[str, int] = {}
    refusals: dict[str, RefusalRule] = {}
    for _, _, operation in _operations(root):
        for code, response in operation.child("responses").members():
            status = _status(response, code)
            extensions = response.convert(_ResponseExtensions)
            for slug in extensions.clauses:
                statuses[_known(response, slug, clauses)] = status
            members = MappingProxyType(extensions.members)
            for slug, text in extensions.refusals.items():
                rule = RefusalRule(_known(response, slug, clauses), status, text, members)
                if refusals.setdefault(slug, rule).status != status:
                    raise response.fail(
                        f"{slug} is refused with {refusals[slug].status} elsewhere and with {status} here"
                    )
    return statuses, refusals


def _paths(root: Node, clauses: dict[str, Clause]) -> tuple[tuple[PathTemplate, ...], dict[str, Operation]]:
    operations: dict[str, Operation] = {}
    schemas = _Schemas(root.value)
    templates: dict[str, dict[str, str]] = {}
    for template, method, node in _operations(root):
        name = node.child("operationId").convert(str)
        if name in operations:
            raise node.fail(f"repeats the operationId {name!r}")
        operations[name] = _operation(root, schemas, template, method, name, node)
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


def _operation(root: Node, schemas: _Schemas, template: str, method: str, name: str, node: Node) -> Operation:
    pointer = f"/paths/{template.replace('~', '~0').replace('/', '~1')}/{method}"
    body, parameters, clauses, grey_zones = (
        node.get(member) for member in ("requestBody", "parameters", "x-clauses", "x-grey-zones")
    )
    security = node.get("security") or root.child("security")
    schemes = security.convert(list[dict[str, list[str]]])
    return Operation(
        name=name,
        method=method.upper(),
        template=template,
        body=None if body is None else _body(schemas, body, pointer),
        query=() if parameters is None else tuple(_query(schemas, parameters, pointer)),
        query_clause=_optional_clause(clauses, "invalid"),
        credentials=frozenset(scheme for entry in schemes for scheme in entry),
        responses=MappingProxyType(dict(_responses(schemas, node.child("responses"), pointer))),
        grey_zones=() if grey_zones is None else grey_zones.convert(tuple[str, ...]),
        forbidden_clause=_optional_clause(clauses, "forbidden") or _FORBIDDEN,
        headers=MappingProxyType({} if parameters is None else dict(_headers(schemas, parameters, pointer))),
        scopes=MappingProxyType(_scopes(root, node)),
    )


def _optional_clause(clauses: Node | None, key: str) -> str | None:
    named = None if clauses is None else clauses.get(key)
    return None if named is None else named.convert(str)


def _scopes(root: Node, node: Node) -> dict[str, Scopes]:
    """What a token needs, by dialect; one list is for all dialects."""
    scopes = node.get("x-scopes")
    dialects = root.child("x-dialects").convert(tuple[str, ...])
    if scopes is None:
        return dict.fromkeys(dialects, ())
    if isinstance(scopes.value, dict):
        return {dialect: scopes.child(dialect).convert(Scopes) for dialect in dialects}
    return dict.fromkeys(dialects, scopes.convert(Scopes))


def _body(schemas: _Schemas, node: Node, pointer: str) -> BodyRule:
    extensions, required = node.convert(_BodyExtensions), node.get("required")
    return BodyRule(
        required=required is not None and required.convert(bool),
        limit_bytes=extensions.body_limit_bytes,
        schema=_media_schema(schemas, node, f"{pointer}/requestBody"),
        limit_clause=extensions.clauses.limit,
        malformed_clause=extensions.clauses.malformed,
        invalid_clause=extensions.clauses.invalid,
        is_text=extensions.text,
    )


def _query(schemas: _Schemas, parameters: Node, pointer: str) -> Iterator[QueryParameter]:
    for index, node in enumerate(parameters.items()):
        if node.child("in").convert(str) == "query":
            style = node.get("style")
            yield QueryParameter(
                name=node.child("name").convert(str),
                style="form" if style is None else style.convert(str),
                kind=node.child("schema").child("type").convert(str),
                schema=schemas.at(node.child("schema"), f"{pointer}/parameters/{index}/schema"),
            )


def _headers(schemas: _Schemas, parameters: Node, pointer: str) -> Iterator[tuple[str, Schema]]:
    for index, node in enumerate(parameters.items()):
        if node.child("in").convert(str) == "header":
            name = node.child("name").convert(str).lower()
            yield name, schemas.at(node.child("schema"), f"{pointer}/parameters/{index}/schema")


def _responses(schemas: _Schemas, responses: Node, pointer: str) -> Iterator[tuple[int, Schema]]:
    for code, node in responses.members():
        raw = responses.value[code]
        reference = raw.get("$ref") if isinstance(raw, dict) else None
        place = reference[1:] if reference else f"{pointer}/responses/{code}"
        yield _status(node, code), _media_schema(schemas, node, place)


def _media_schema(schemas: _Schemas, node: Node, pointer: str) -> Schema:
    """The schema of JSON content, or of the first media type where there is none."""
    content = node.child("content")
    media_type = "application/json" if content.get("application/json") else next(name for name, _ in content.members())
    escaped = media_type.replace("/", "~1")
    return schemas.at(content.child(media_type).child("schema"), f"{pointer}/content/{escaped}/schema")


class _Schemas:
    """The schemas of one document, each compiled once: operations share most of their responses."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._registry = registry_of(document)
        self._made: dict[str, Schema] = {}

    def at(self, node: Node, pointer: str) -> Schema:
        """The schema at a JSON pointer; `node` is the same place, for errors."""
        if pointer not in self._made:
            schema = Schema(self._document, pointer, self._registry)
            try:
                schema.compile()
            except ValueError as error:
                raise node.fail(f"is not a valid schema: {str(error).splitlines()[0]}") from None
            self._made[pointer] = schema
        return self._made[pointer]


def _reason(operation: Operation, root: Node) -> None:
    """The close body must limit the length of a reason: the tests build on it."""
    template = root.child("paths").child(operation.template).child(operation.method.lower())
    media = template.child("requestBody").child("content").child("application/json")
    media.child("schema").child("properties").child("reason").child("maxLength").convert(Count)


def _clause_of(node: Node, key: str, clauses: dict[str, Clause]) -> str:
    named = node.child("x-clauses").child(key)
    return _known(named, named.convert(str), clauses)


def _known(node: Node, slug: str, clauses: dict[str, Clause]) -> str:
    if slug not in clauses:
        raise node.fail(f"names the clause {slug!r}, which the catalogue does not have")
    return slug


def _status(node: Node, code: str) -> int:
    if not (code.isdecimal() and len(code) == 3):
        raise node.fail(f"must be under a three-digit status, is under {code!r}")
    return int(code)
