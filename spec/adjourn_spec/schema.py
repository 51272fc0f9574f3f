"""A compiled JSON Schema of the document."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs

__all__ = ["Schema", "Violation", "registry_of"]

_BASE = "urn:adjourn:contract"


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule of a schema that a value breaks.

    Attributes:
        place: the member that breaks it, as `a.b[0]`; empty for the value itself.
        message: what is wrong with it.
        keyword: the JSON Schema keyword, for example `maxLength`.
        clause: the slug of the clause that the document names for the keyword, if any.
        is_relaxed_in_production: whether the document says that deployed services let more pass (`x-outgrown`).
    """

    place: str
    message: str
    keyword: str
    clause: str | None
    is_relaxed_in_production: bool = False

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class Schema:
    """A schema inside a document, compiled when it is first used.

    Args:
        document: the whole document, against which references resolve.
        pointer: the JSON pointer of the schema, for example `/components/schemas/Session`.
        registry: what `registry_of` makes of the document; made anew by default, which takes a while for each schema.
    """

    def __init__(
        self, document: Mapping[str, Any], pointer: str, registry: jsonschema_rs.Registry | None = None
    ) -> None:
        self.document, self.pointer, self._registry = document, pointer, registry

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator:
        registry = self._registry or registry_of(self.document)
        reference = {"$ref": f"{_BASE}#{_fragment(self.pointer)}"}
        return jsonschema_rs.Draft202012Validator(reference, registry=registry, validate_formats=True)

    @cached_property
    def definition(self) -> Any:
        """The schema as it is in the document, references followed."""
        value = _resolve(self.document, self.pointer)
        while isinstance(value, Mapping) and "$ref" in value:
            value = _resolve(self.document, value["$ref"].partition("#")[2])
        return value

    def compile(self) -> None:
        """Compile now rather than at first use.

        Raises:
            ValueError: the schema is not valid.
        """
        self._validator  # noqa: B018

    @cached_property
    def _is_valid(self) -> Callable[[Any], bool]:
        return self._validator.is_valid

    def is_valid(self, value: Any) -> bool:
        """Whether a value keeps every rule."""
        try:
            return self._is_valid(value)
        except UnicodeEncodeError:
            return self._is_valid(_encodable(value))

    def violations(self, value: Any) -> Iterator[Violation]:
        """Every rule that `value` breaks, in the order of the schema."""
        try:
            errors = list(self._validator.iter_errors(value))
        except UnicodeEncodeError:
            errors = list(self._validator.iter_errors(_encodable(value)))
        for error in errors:
            *path, keyword = [str(part) for part in error.schema_path]
            schema = self._mapping(path)
            clause = schema.get("x-clauses", {}).get(keyword)
            is_relaxed_in_production = keyword in schema.get("x-outgrown", ())
            yield Violation(_place(error.instance_path), error.message, keyword, clause, is_relaxed_in_production)

    def _mapping(self, path: list[str]) -> Mapping[str, Any]:
        """The schema at `path`, which starts at the root."""
        schema = _resolve(self.document, "/" + "/".join(_escape(part) for part in path))
        return schema if isinstance(schema, Mapping) else {}


def registry_of(document: Mapping[str, Any]) -> jsonschema_rs.Registry:
    """The document as its schemas refer to it; to be shared by all of them."""
    return jsonschema_rs.Registry([(_BASE, dict(document))])


def _encodable(value: Any) -> Any:
    """The value with a question mark for each lone surrogate, which the validator cannot take."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def _resolve(document: Any, pointer: str) -> Any:
    value = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _fragment(pointer: str) -> str:
    return pointer.replace("%", "%25").replace("{", "%7B").replace("}", "%7D").replace("[", "%5B").replace("]", "%5D")


def _place(path: list[str | int]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")
