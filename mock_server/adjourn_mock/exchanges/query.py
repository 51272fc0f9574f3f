"""Query strings, read and validated by the contract's parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from adjourn_mock.domain.errors import UserError
from adjourn_spec import Operation, QueryParameter, Violation

__all__ = ["QueryError", "read_parameters", "read_query"]

_MAX_PARAMETERS = 1000
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,19})")


class QueryError(UserError):
    """A parameter breaks a rule of its schema.

    Attributes:
        details: a line for each rule that is broken.
        violations: the same rules, each with the name of its parameter.
    """

    def __init__(self, details: list[str], violations: Sequence[tuple[str, Violation]] = ()) -> None:
        super().__init__("; ".join(details))
        self.details, self.violations = details, violations


def read_query(operation: Operation, query: bytes, *, split_lists: bool = True) -> Mapping[str, Any]:
    """The operation's parameters by name, without those that are absent.

    Args:
        operation: whose parameters; others are ignored.
        query: the raw query string.
        split_lists: whether a comma separates the values of a list; otherwise it is part of the one value.

    Raises:
        QueryError: a value breaks its schema (clause list.invalid), or there are too many parameters.
    """
    return read_parameters(operation.query, query, split_lists=split_lists)


def read_parameters(
    parameters: Sequence[QueryParameter], query: bytes, *, split_lists: bool = True
) -> Mapping[str, Any]:
    """The same for the parameters of any document."""
    if not query or not parameters:
        return {}
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise QueryError([f"more than {_MAX_PARAMETERS} parameters"]) from None
    given = dict(pairs)
    values = dict(_values(parameters, given, split_lists))
    violations = [
        (parameter.name, violation)
        for parameter in parameters
        if parameter.name in values
        for violation in parameter.schema.violations(values[parameter.name])
    ]
    if violations:
        raise QueryError([f"{name}: {violation}" for name, violation in violations], violations)
    return values


def _values(
    parameters: Sequence[QueryParameter], given: Mapping[str, str], split_lists: bool
) -> Iterator[tuple[str, Any]]:
    for parameter in parameters:
        if parameter.style == "deepObject":
            if members := _deep_members(parameter, given):
                yield parameter.name, members
        elif (text := given.get(parameter.name)) is None:
            continue
        elif parameter.kind == "array":
            yield parameter.name, text.split(",") if split_lists else [text]
        else:
            yield parameter.name, _typed(text, parameter.kind)


def _deep_members(parameter: QueryParameter, given: Mapping[str, str]) -> dict[str, Any]:
    """`page[size]=5&page[after]=x` as `{"size": 5, "after": "x"}`."""
    start = f"{parameter.name}["
    properties = parameter.schema.definition.get("properties", {})
    names = {key: key[len(start) : -1] for key in given if key.startswith(start) and key.endswith("]")}
    return {name: _typed(given[key], properties.get(name, {}).get("type", "string")) for key, name in names.items()}


def _typed(text: str, kind: str) -> str | int | bool:
    """The value that a text is in JSON, or the text, which then breaks the schema."""
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    return text == "true" if kind == "boolean" and text in ("true", "false") else text
