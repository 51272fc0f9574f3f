"""Values at the edges of a schema: the most that passes, and the least that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from adjourn_spec import Contract

__all__ = ["Edge", "boundaries"]

_MISSING = object()


@dataclass(frozen=True)
class Edge:
    """A value for one member of a body.

    Attributes:
        place: the names that lead to the member.
        value: what it is set to.
        what: the member and its value in words.
        passes: whether the schema lets it pass.
    """

    place: tuple[str, ...]
    value: Any
    what: str
    passes: bool

    def put(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body with the value in its place, or without the member where that is the edge."""
        changed: dict[str, Any] = deepcopy(dict(body))
        *path, name = self.place
        owner = changed
        for part in path:
            owner = owner[part]
        if self.value is _MISSING:
            owner.pop(name, None)
        else:
            owner[name] = self.value
        return changed

    def found(self, row: Mapping[str, Any]) -> Any:
        """What a row has in the place."""
        value: Any = row
        for part in self.place:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


def boundaries(contract: Contract, name: str) -> Iterator[Edge]:
    """The edges of the members of an object's schema, and of those of the objects in it.

    Args:
        contract: whose document has the schema.
        name: the component schema.
    """
    return _of_object(contract, contract.schema(name).definition, ())


def _of_object(contract: Contract, schema: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[Edge]:
    required = schema.get("required", ())
    for name, definition in schema.get("properties", {}).items():
        here = (*place, name)
        if name in required:
            yield Edge(here, _MISSING, f"no {'.'.join(here)}", passes=False)
        for value, what, passes in _values(contract, _followed(contract, definition)):
            yield Edge(here, value, f"{'.'.join(here)} {what}", passes)
        yield from _of_object(contract, _followed(contract, definition), here)


def _followed(contract: Contract, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        definition: Mapping[str, Any] = contract.schema(schema["$ref"].rpartition("/")[2]).definition
        return definition
    return schema


def _values(contract: Contract, schema: Mapping[str, Any]) -> Iterator[tuple[Any, str, bool]]:
    """Values with what they are and whether they pass."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "null" in kinds:
        yield None, "that is null", True
    if "enum" in schema:
        yield from ((value, f"that is {value}", True) for value in schema["enum"])
        yield "none-of-them", "that is none of those there are", False
    elif "string" in kinds:
        yield from _strings(schema)
    elif "integer" in kinds:
        yield from _amounts(schema)
    elif "array" in kinds:
        yield from _arrays(contract, schema)
    elif "object" in kinds:
        yield from _objects(schema)


def _strings(schema: Mapping[str, Any]) -> Iterator[tuple[Any, str, bool]]:
    if schema.get("format") == "date-time":
        yield "soon", "that is no date-time", False
    else:
        yield 5, "that is a number", False
        yield from _lengths(schema, "Length", lambda size: "x" * size, "characters")


def _amounts(schema: Mapping[str, Any]) -> Iterator[tuple[Any, str, bool]]:
    yield "two", "that is a word", False
    if (least := schema.get("minimum")) is not None:
        yield least, f"of {least}", True
        yield least - 1, f"of {least - 1}", False
    if (most := schema.get("maximum")) is not None:
        yield most, f"of {most}", True
        yield most + 1, f"of {most + 1}", False


def _arrays(contract: Contract, schema: Mapping[str, Any]) -> Iterator[tuple[Any, str, bool]]:
    yield {}, "that is an object", False
    if "minItems" not in schema:
        yield [], "that is empty", True
    yield from _lengths(schema, "Items", lambda size: [f"{number}" for number in range(size)], "elements")
    for value, what, passes in _values(contract, _followed(contract, schema["items"])):
        yield [value], f"with an element {what}", passes


def _objects(schema: Mapping[str, Any]) -> Iterator[tuple[Any, str, bool]]:
    if "required" not in schema:
        yield {}, "that is empty", True
    yield from (([], "that is an array", False), ("x", "that is a string", False), (5, "that is a number", False))


def _lengths(
    schema: Mapping[str, Any], keyword: str, make: Callable[[int], Any], unit: str
) -> Iterator[tuple[Any, str, bool]]:
    if least := schema.get(f"min{keyword}", 0):
        yield make(least - 1), f"of {least - 1} {unit}", False
        yield make(least), f"of {least} {unit}", True
    most = schema.get(f"max{keyword}")
    # Where services differ in a limit, neither side of it is asked for.
    if most is not None and f"max{keyword}" not in schema.get("x-outgrown", ()):
        yield make(most), f"of {most} {unit}", True
        yield make(most + 1), f"of {most + 1} {unit}", False
