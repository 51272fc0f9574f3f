"""Numbers for names, such that the same seed gives the same names whatever runs side by side."""

from __future__ import annotations

import contextvars
import itertools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

__all__ = ["Numbering", "current", "in_scope"]


class Numbering:
    """Numbers within a scope: a test, or a case of a test.

    Attributes:
        scope: the numbers of the scopes around, each with a hyphen behind it.
    """

    def __init__(self, scope: str = "") -> None:
        self.scope, self._next = scope, itertools.count()

    def next(self) -> str:
        """Digits and hyphens that no other call returns."""
        return f"{self.scope}{next(self._next)}"

    def within(self) -> Numbering:
        """The numbers of a new scope in this one."""
        return Numbering(f"{self.next()}-")


_CURRENT: ContextVar[Numbering | None] = ContextVar("numbering", default=None)


def in_scope(outer: Numbering, act: Callable[..., Any]) -> Callable[..., Any]:
    """A function that calls `act` with numbers of a scope of its own, in whichever thread.

    Args:
        outer: the numbers outside every scope.
        act: the function.
    """
    numbers = current(outer).within()
    context = contextvars.copy_context()
    context.run(_CURRENT.set, numbers)
    return lambda *arguments: context.run(act, *arguments)


def current(outer: Numbering) -> Numbering:
    """The numbers of the scope in which this is called."""
    return _CURRENT.get() or outer
