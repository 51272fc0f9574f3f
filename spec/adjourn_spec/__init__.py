"""The contract of the Sessions API as data: an OpenAPI document, a catalogue of clauses, a loader."""

from adjourn_spec.contract import (
    BodyRule,
    ChannelRule,
    Clause,
    Contract,
    Cors,
    GreyZone,
    Operation,
    PathTemplate,
    QueryParameter,
    RateLimit,
    RefusalRule,
    Scopes,
    TokenRule,
)
from adjourn_spec.documents import DocumentError, read_document
from adjourn_spec.identifiers import ExternalId, FriendlyId, SessionKey
from adjourn_spec.loader import load_contract, openapi_path
from adjourn_spec.schema import Schema, Violation, registry_of
from adjourn_spec.stylesheet import stylesheet, stylesheet_path

__all__ = [
    "BodyRule",
    "ChannelRule",
    "Clause",
    "Contract",
    "Cors",
    "DocumentError",
    "ExternalId",
    "FriendlyId",
    "GreyZone",
    "Operation",
    "PathTemplate",
    "QueryParameter",
    "RateLimit",
    "RefusalRule",
    "Schema",
    "Scopes",
    "SessionKey",
    "TokenRule",
    "Violation",
    "load_contract",
    "openapi_path",
    "read_document",
    "registry_of",
    "stylesheet",
    "stylesheet_path",
]
