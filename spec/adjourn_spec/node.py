"""A place in a document: a value, the path that leads to it, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adjourn_spec.documents import DocumentError

__all__ = ["Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document. References (`$ref`) are followed on the way.

    Every question raises `DocumentError` with file and place where the document
    does not have what is asked for.
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

    def as_str(self) -> str:
        if not isinstance(self.value, str):
            raise self.fail(f"must be a string, is {_kind(self.value)}")
        return self.value

    def as_strs(self) -> tuple[str, ...]:
        return tuple(element.as_str() for element in self.items())

    def as_int(self) -> int:
        """A whole number that is not negative."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.fail(f"must be a whole number from 0, is {self.value!r}")
        return self.value

    def _followed(self) -> Node:
        node = self
        for _ in range(100):
            if not (isinstance(node.value, Mapping) and isinstance(node.value.get("$ref"), str)):
                return node
            node = node._target(node.value["$ref"])
        raise self.fail("its references go round in a circle")

    def _target(self, reference: str) -> Node:
        if not reference.startswith("#/"):
            raise self.fail(f"refers to {reference!r}; only references within the document are followed")
        value: Any = self.root
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(value, Mapping) or key not in value:
                raise self.fail(f"refers to {reference!r}, which is not there")
            value = value[key]
        return Node(self.file, self.root, value, reference[2:].replace("/", "."))


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
