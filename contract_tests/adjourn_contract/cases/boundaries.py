"""Values at the boundaries of a schema: the most that passes, the least that does not, and every wrong JSON type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from adjourn_spec import Contract

__all__ = ["Boundary", "boundaries", "together"]

_MISSING = object()
# Members that name things of an account (grey.account-names).
_OF_AN_ACCOUNT = ("lockToVersion", "region")


@dataclass(frozen=True)
class Boundary:
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
        """The body with the value in its place, or without the member where that is the boundary."""
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


class Value(NamedTuple):
    """A value, what it is in words, and whether it passes."""

    value: Any
    what: str
    passes: bool


class Sample(NamedTuple):
    """A value of one JSON type, in words."""

    kind: str
    value: Any
    what: str


# One of each JSON type, and the look-alikes that a lenient reader takes for another type.
SAMPLES = (
    Sample("null", None, "that is null"),
    Sample("string", "5", "that is a string of digits"),
    Sample("number", 1.5, "that is a fraction"),
    Sample("boolean", True, "that is true"),
    Sample("boolean", False, "that is false"),
    Sample("integer", 5, "that is a number"),
    Sample("string", "", "that is an empty string"),
    Sample("array", [], "that is an empty array"),
    Sample("array", ["5"], "that is an array"),
    Sample("object", {}, "that is an empty object"),
    Sample("object", {"5": "5"}, "that is an object"),
)
# What a reader that parses strings takes for a value of the type.
TEXTS_OF_JSON = {"array": '["5"]', "object": '{"5":"5"}'}


def boundaries(contract: Contract, name: str) -> Iterator[Boundary]:
    """The boundaries of the members of an object's schema, and of those of the objects in it.

    Args:
        contract: whose document has the schema.
        name: the component schema.
    """
    return _of_object(contract, contract.schema(name).definition, ())


def together(boundaries: Iterable[Boundary]) -> Sequence[Sequence[Boundary]]:
    """Boundaries in groups that one body can have: no two in a group are of one member, or of a member in it."""
    groups: list[list[Boundary]] = []
    for boundary in boundaries:
        group = next((each for each in groups if not any(_overlap(boundary, other) for other in each)), None)
        if group is None:
            groups.append([boundary])
        else:
            group.append(boundary)
    return groups


def _overlap(one: Boundary, other: Boundary) -> bool:
    shorter = min(len(one.place), len(other.place))
    return one.place[:shorter] == other.place[:shorter]


def _of_object(contract: Contract, schema: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[Boundary]:
    required = schema.get("required", ())
    for name, definition in schema.get("properties", {}).items():
        here = (*place, name)
        if name in _OF_AN_ACCOUNT:
            # Which names there are is not known, but they are names.
            wrong = (each for each in SAMPLES if each.kind not in ("string", "null"))
            yield from (Boundary(here, each.value, f"{'.'.join(here)} {each.what}", passes=False) for each in wrong)
            continue
        if name in required:
            yield Boundary(here, _MISSING, f"no {'.'.join(here)}", passes=False)
        for value, what, passes in _values(contract, _followed(contract, definition)):
            yield Boundary(here, value, f"{'.'.join(here)} {what}", passes)
        yield from _of_object(contract, _followed(contract, definition), here)


def _followed(contract: Contract, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        definition: Mapping[str, Any] = contract.schema(schema["$ref"].rpartition("/")[2]).definition
        return definition
    return schema


def _values(contract: Contract, schema: Mapping[str, Any]) -> Iterator[Value]:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    yield from _limits(contract, schema, kinds)
    if "null" in kinds:
        yield Value(None, "that is null", True)
    if schema.get("format") == "date-time":
        # What else is a date-time is a matter of the reader (grey.dates).
        yield from (Value("soon", "that is a word", False), Value({}, "that is an object", False))
        return
    allowed = {*kinds, "integer"} if "number" in kinds else set(kinds)
    yield from (Value(value, what, False) for kind, value, what in SAMPLES if kind not in allowed)
    if "string" not in allowed:
        texts = (text for kind, text in TEXTS_OF_JSON.items() if kind in allowed)
        yield from (Value(text, f"that is {text} in a string", False) for text in texts)


def _limits(contract: Contract, schema: Mapping[str, Any], kinds: list[str]) -> Iterator[Value]:
    """Values of the right type on both sides of each limit."""
    if "enum" in schema:
        yield from (Value(value, f"that is {value}", True) for value in schema["enum"])
        yield Value("none-of-them", "that is not one of the values", False)
        yield Value(schema["enum"][0].upper(), "that is a value in upper case", False)
    elif "string" in kinds and "format" not in schema:
        yield from _lengths(schema, "Length", lambda size: "x" * size, "characters")
    elif "integer" in kinds:
        yield from _amounts(schema)
    elif "array" in kinds:
        yield from _arrays(contract, schema)
    elif "object" in kinds and "required" not in schema:
        yield Value({}, "that is empty", True)


def _amounts(schema: Mapping[str, Any]) -> Iterator[Value]:
    if (least := schema.get("minimum")) is not None:
        yield Value(least, f"of {least}", True)
        yield Value(least - 1, f"of {least - 1}", False)
        # An integer is a number without a fraction, however it is written.
        yield Value(float(least + 1), f"of {float(least + 1)}", True)
    if (most := schema.get("maximum")) is not None:
        yield Value(most, f"of {most}", True)
        yield Value(most + 1, f"of {most + 1}", False)
        yield Value(1e300, "of 1e300", False)


def _arrays(contract: Contract, schema: Mapping[str, Any]) -> Iterator[Value]:
    if "minItems" not in schema:
        yield Value([], "that is empty", True)
    yield from _lengths(schema, "Items", lambda size: [f"{number}" for number in range(size)], "elements")
    for value, what, passes in _values(contract, _followed(contract, schema["items"])):
        yield Value([value], f"with an element {what}", passes)


def _lengths(schema: Mapping[str, Any], keyword: str, make: Callable[[int], Any], unit: str) -> Iterator[Value]:
    if least := schema.get(f"min{keyword}", 0):
        yield Value(make(least - 1), f"of {least - 1} {unit}", False)
        yield Value(make(least), f"of {least} {unit}", True)
    most = schema.get(f"max{keyword}")
    # Where services differ in a limit, neither side of it is asked for.
    if most is not None and f"max{keyword}" not in schema.get("x-outgrown", ()):
        yield Value(make(most), f"of {most} {unit}", True)
        yield Value(make(most + 1), f"of {most + 1} {unit}", False)
