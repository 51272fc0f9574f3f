"""Small pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["anchor", "cell", "code", "kind_of", "table"]


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def code(value: Any) -> str:
    return f"`{value}`"


def kind_of(definition: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "enum" in definition:
        return ", ".join(code(value) for value in definition["enum"])
    if "anyOf" in definition:
        return " or ".join(kind_of(each) for each in definition["anyOf"])
    if "$ref" in definition:
        return code(definition["$ref"].rpartition("/")[2])
    bounds = [
        f"{word} {definition[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in definition
    ]
    return " ".join([str(definition.get("type", "any")), *bounds])


def anchor(slug: str) -> str:
    """A fragment that needs no escaping in a URL or a selector."""
    return slug.replace(".", "-")
