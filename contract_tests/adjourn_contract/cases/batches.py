"""Cases in groups, so that one session serves several of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

__all__ = ["batches"]

Case = TypeVar("Case")


def batches(cases: Iterable[Case], size: int = 8) -> Iterator[tuple[Case, ...]]:
    """The cases in tuples of up to `size`."""
    remaining = iter(cases)
    while batch := tuple(islice(remaining, size)):
        yield batch
