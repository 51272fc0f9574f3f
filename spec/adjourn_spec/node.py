"""A place in a document: a value and the path that leads to it, references followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from adjourn_spec.documents import DocumentError

__all__ = ["Node"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document. References (`$ref`) are followed on the way.

    Every method raises `DocumentError` with file and place where the document
    lacks what it needs.
    """

    file: str
    root: Mapping[str, Any]
    value: Any
    place: str = ""

    def fail(self, reason: str) -> DocumentError:
        """The error for this place, to be raised by the caller."""
        return DocumentError(self.file, self.place or "the document", reason)

    def get(self, key: str) -> Node | None:
        """The member `key`, or None where it is absent."""
        if not isinstance(self.value, Mapping):
            raise self.fail(f"must be an object, is {_kind(self.value)}")
        if key not in self.value:
            return None
        place = f"{self.place}.{key}" if self.place else key
        return Node(self.file, self.root, self.value[key], place)._followed()

    def with_member(self, key: str, value: Any) -> Node:
        """The same place with one member more."""
        if not isinstance(self.value, Mapping):
            raise self.fail(f"must be an object, is {_kind(self.value)}")
        return Node(self.file, self.root, {**self.value, key: value}, self.place)

    def child(self, key: str) -> Node:
        """The member `key`."""
        found = self.get(key)
        if found is None:
            raise self.fail(f"needs {key!r}")
        return found

    def members(self) -> Iterator[tuple[str, Node]]:
        """All members, by name."""
        if not isinstance(self.value, Mapping):
            raise self.fail(f"must be an object, is {_kind(self.value)}")
        for key in self.value:
            yield str(key), self.child(key)

    def items(self) -> Iterator[Node]:
        """The elements of an array."""
        if not isinstance(self.value, list):
            raise self.fail(f"must be an array, is {_kind(self.value)}")
        for index, value in enumerate(self.value):
            yield Node(self.file, self.root, value, f"{self.place}[{index}]")._followed()

    def convert(self, kind: type[T]) -> T:
        """The value as a struct or a builtin type.

        Raises:
            DocumentError: the value does not have the shape of `kind`.
        """
        try:
            return msgspec.convert(self.value, kind)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$")
            place = f"{self.place}{path.rstrip('`')}".removeprefix(".")
            raise DocumentError(self.file, place or "the document", _plain(reason)) from None

    def check_references(self) -> None:
        """Follow every `$ref` below this place once, those inside schemas included."""
        if isinstance(self.value, Mapping):
            if isinstance(reference := self.value.get("$ref"), str):
                self._target(reference)
            for key, value in self.value.items():
                Node(self.file, self.root, value, f"{self.place}.{key}".removeprefix(".")).check_references()
        elif isinstance(self.value, list):
            for index, value in enumerate(self.value):
                Node(self.file, self.root, value, f"{self.place}[{index}]").check_references()

    def _followed(self) -> Node:
        node = self
        for _ in range(100):
            if not (isinstance(node.value, Mapping) and isinstance(node.value.get("$ref"), str)):
                return node
            node = node._target(node.value["$ref"])
        raise self.fail("its references form a circle")

    def _target(self, reference: str) -> Node:
        if not reference.startswith("#/"):
            raise self.fail(f"refers to {reference!r}; only references within the document are followed")
        value: Any = self.root
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(value, Mapping) or key not in value:
                raise self.fail(f"refers to {reference!r}, which does not exist")
            value = value[key]
        return Node(self.file, self.root, value, reference[2:].replace("/", "."))


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _plain(reason: str) -> str:
    """A reason of msgspec as this package words it: ``Expected `int`, got `str` `` as `must be int, is str`."""
    return (
        reason.replace("`", "")
        .replace("Expected ", "must be ")
        .replace(", got ", ", is ")
        .replace("Object missing required field ", "needs ")
    )
