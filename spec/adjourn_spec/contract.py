"""The contract as one immutable value: operations, limits, schemas, clauses and the id rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from adjourn_spec.identifiers import ExternalId, FriendlyId, SessionKey
from adjourn_spec.schema import Schema

__all__ = [
    "BodyRule",
    "ChannelRule",
    "Clause",
    "Contract",
    "Cors",
    "GreyZone",
    "Operation",
    "PathTemplate",
    "QueryParameter",
    "RateLimit",
    "RefusalRule",
    "Scopes",
    "TokenRule",
]


Scopes = tuple[tuple[str, ...], ...]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Clause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One statement that every implementation has to satisfy.

    Attributes:
        slug: the clause's name in tests, faults and reports.
        statement: the rule, with the server as its subject.
        source: where the rule comes from, such as `page` or `server`.
        level: `must`, or `may` where an implementation is free.
        operations: operationIds of the operations that it applies to.
    """

    slug: str
    statement: str
    source: tuple[str, ...]
    level: str
    operations: tuple[str, ...]


class GreyZone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point on which the sources disagree; neither dialect's answer fails a clause.

    Attributes:
        slug: the grey zone's name.
        question: what the sources disagree on.
        documented: the answer of the `documented` dialect.
        server: the answer of the `server` dialect.
        affects: slugs of the clauses that are lenient on this point.
        accepts: the statuses that either dialect may answer; empty where the question is not about a status.
    """

    slug: str
    question: str
    documented: str
    server: str
    affects: tuple[str, ...]
    accepts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """How a broken clause is answered: the status, the error text, the members beside it."""

    clause: str
    status: int
    error: str
    members: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BodyRule:
    """What an operation takes as its body. `limit_bytes` bounds the bytes on the wire.

    The three clauses are those of a body that is too large, that is not a JSON object, and that breaks the schema.
    `is_text` where the body is stored as text and not parsed (`x-text`).
    """

    required: bool
    limit_bytes: int
    schema: Schema
    limit_clause: str
    malformed_clause: str
    invalid_clause: str
    is_text: bool


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A query parameter: `style` is form or deepObject, `kind` the JSON type of its values."""

    name: str
    style: str
    kind: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A path with at most one parameter, and the operations it has, by method."""

    template: str
    operations: Mapping[str, str]
    method_clause: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: the operationId.
        headers: the schemas of its header parameters, by lower-case name.
        credentials: names of security schemes.
        forbidden_clause: for which a token is refused that does not have the scopes.
        scopes: by dialect, what a public access token needs: one scope of each inner tuple (`x-scopes`).
    """

    name: str
    method: str
    template: str
    body: BodyRule | None
    query: tuple[QueryParameter, ...]
    query_clause: str | None
    credentials: frozenset[str]
    forbidden_clause: str
    responses: Mapping[int, Schema]
    grey_zones: tuple[str, ...]
    headers: Mapping[str, Schema]
    scopes: Mapping[str, Scopes]


class ChannelRule(msgspec.Struct, frozen=True, rename="kebab"):
    """What channels store (`x-channels`).

    Attributes:
        records: the most records of one channel; older ones are dropped.
        bytes: the most bytes of their bodies in one channel.
        part_seconds: how long a part id counts.
        total_bytes: about how much memory all channels of a store in memory take.
        ping_seconds: after how long a silence a stream sends a ping.
    """

    records: Count = 0
    bytes: Count = 0
    part_seconds: Count = 0
    total_bytes: Count = 0
    ping_seconds: Count = 0


class TokenRule(msgspec.Struct, frozen=True, rename="kebab"):
    """How public access tokens are made (`x-public-access-token`).

    Attributes:
        algorithm: the JWT algorithm.
        lifetime_seconds: how long a token is valid.
        issuer: the `iss` claim.
        audience: the `aud` claim.
        grants: the scopes of a new token, without the session.
    """

    algorithm: str
    lifetime_seconds: Count
    issuer: str
    audience: str
    grants: tuple[str, ...]


class RateLimit(msgspec.Struct, frozen=True, rename="kebab"):
    """The bucket of each environment, in requests (`x-rate-limit`)."""

    tokens: Count


class Cors(msgspec.Struct, frozen=True, rename="kebab"):
    """What browsers on other origins may do (`x-cors`)."""

    methods: tuple[str, ...]
    expose_headers: tuple[str, ...]
    max_age_seconds: Count


@dataclass(frozen=True, slots=True)
class Contract:
    """The document and the catalogue of clauses, as immutable values.

    Attributes:
        document: the OpenAPI document in force, as JSON values.
        file: where it was read from.
        statuses: the status of each clause that a success belongs to.
        refusals: the answer for each clause that a refusal belongs to.
        friendly_prefix: what friendly ids of sessions start with; `run_prefix` likewise.
        head_limit_bytes: how many bytes the request line and headers may have.
        key_prefixes: what secret keys start with, by kind of environment.
        page_size: how many rows a list answers by default.
    """

    document: Mapping[str, Any]
    file: str
    operations: Mapping[str, Operation]
    paths: tuple[PathTemplate, ...]
    statuses: Mapping[str, int]
    refusals: Mapping[str, RefusalRule]
    clauses: Mapping[str, Clause]
    grey_zones: Mapping[str, GreyZone]
    dialects: tuple[str, ...]
    friendly_prefix: str
    run_prefix: str
    head_limit_bytes: int
    page_size: int
    key_prefixes: Mapping[str, str]
    token: TokenRule
    rate_limit: RateLimit
    cors: Cors
    channels: ChannelRule
    _schemas: dict[str, Schema] = field(default_factory=dict, init=False, repr=False, compare=False)

    def identify(self, value: str) -> SessionKey:
        """Distinguish a friendly id from an externalId (clauses id.friendly, id.external, id.prefix)."""
        return FriendlyId(value) if value.startswith(self.friendly_prefix) else ExternalId(value)

    def schema(self, name: str) -> Schema:
        """The component schema `name`.

        Raises:
            KeyError: the document has none of that name.
        """
        if name not in self.document["components"]["schemas"]:
            raise KeyError(name)
        # Compiling one takes longer than a request: each is compiled once.
        return self._schemas.setdefault(name, Schema(self.document, f"/components/schemas/{name}"))

    @property
    def reason_max_length(self) -> int:
        """How many characters a reason may have (clause reason.limit)."""
        body = self.operations["closeSession"].body
        assert body is not None  # noqa: S101 - the loader checked it
        length: int = body.schema.definition["properties"]["reason"]["maxLength"]
        return length
