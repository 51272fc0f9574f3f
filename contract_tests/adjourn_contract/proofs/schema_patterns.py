"""Regular expressions for the canonical JSON of what a schema allows, as far as grep -E can say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adjourn_spec import Contract

__all__ = ["pattern_of"]

_TYPES = {
    "string": '^"',
    "array": r"^\[",
    "object": r"^\{",
    "null": "^null$",
    "boolean": "^(true|false)$",
    "integer": "^-?[0-9]+$",
    "number": "^-?[0-9]",
}
_DATE_TIME = '^"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"$'


def pattern_of(contract: Contract, schema: Mapping[str, Any]) -> str:
    """What the canonical JSON text of an allowed value looks like, by type, format and leading text."""
    if "$ref" in schema:
        return pattern_of(contract, contract.schema(schema["$ref"].rpartition("/")[2]).definition)
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return "|".join(pattern_of(contract, each) for each in schema[keyword])
    kinds = schema.get("type", ".")
    return "|".join(_of_type(kind, schema) for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _of_type(kind: str, schema: Mapping[str, Any]) -> str:
    if kind != "string":
        return _TYPES.get(kind, ".")
    if schema.get("format") == "date-time":
        return _DATE_TIME
    pattern = schema.get("pattern")
    return f'^"{pattern.removeprefix("^")}' if isinstance(pattern, str) and pattern.startswith("^") else _TYPES[kind]
