"""Edits of JSON objects: a function from the members of a row, body or query to other members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Edit", "Members", "adding", "setting", "setting_in", "without", "without_values"]

Members = dict[str, Any]
Edit = Callable[[Members], Members]


def without(*names: str) -> Edit:
    """Leave members out."""
    return lambda members: {name: value for name, value in members.items() if name not in names}


def without_values(*values: Any) -> Edit:
    """Leave the members out that have one of these values."""

    def edit(members: Members) -> Members:
        return {name: value for name, value in members.items() if not any(value == other for other in values)}

    return edit


def adding(**more: Any) -> Edit:
    """Set members, whether they are there or not."""
    return lambda members: {**members, **more}


def setting(name: str, write: Callable[[Any], Any]) -> Edit:
    """Write a member anew, where it is there."""
    return lambda members: {**members, name: write(members[name])} if name in members else members


def setting_in(path: Sequence[str], write: Callable[[Any], Any]) -> Edit:
    """Write a nested member anew, where it and the objects around it are there."""
    first, *rest = path
    if not rest:
        return setting(first, write)
    inner = setting_in(rest, write)
    return setting(first, lambda value: inner(value) if isinstance(value, dict) else value)
