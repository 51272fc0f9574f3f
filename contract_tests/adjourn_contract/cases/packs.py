"""Cases of several tables for one session: what the smoke profile tries of them, the most revealing of each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from adjourn_contract.cases.bodies import FRAMED_REASONS, MALFORMED, UNKNOWN_MEMBERS, Body, long_bodies, padded
from adjourn_contract.cases.boundaries import Boundary, boundaries
from adjourn_contract.cases.credentials import OtherKey, other_keys, other_schemes
from adjourn_contract.cases.identifiers import Change, changes_of_friendly_ids
from adjourn_contract.cases.reasons import NOT_STRINGS, TEXTS
from adjourn_spec import Contract

__all__ = [
    "BODIES",
    "EVERY_PITFALL",
    "EVERY_UNKNOWN_MEMBER",
    "KEYS",
    "METHODS",
    "NEAR_NAMES",
    "ODD_PART",
    "OVERRIDING",
    "REASONS",
    "Named",
    "beyond_create",
    "beyond_update",
    "long_name",
    "near_friendly_ids",
    "near_keys",
    "near_long_names",
    "near_schemes",
    "oversized",
]

# Several pitfalls of TEXTS in one reason.
EVERY_PITFALL = f"{TEXTS[2]}{TEXTS[0]} {TEXTS[1]}{TEXTS[2]}"
EVERY_UNKNOWN_MEMBER: dict[str, Any] = {name: value for each in UNKNOWN_MEMBERS[:4] for name, value in each.items()}
# A part of an externalId with the pitfalls of several of ODD_PARTS.
ODD_PART = "a/b+c d%20e?f=g\u00fc#\nh"

_BODIES = (
    "many unclosed brackets",
    "an array",
    "null",
    "trailing garbage",
    "a string",
    "a trailing comma",
    "NaN",
    "a number",
)
BODIES = tuple(body for body in MALFORMED if body.what in _BODIES)
REASONS: tuple[Any, ...] = (*NOT_STRINGS[:5], [])

KEYS = ("characters added", "a character less", "upper case", "without its prefix")
_FRIENDLY_IDS = (
    "a character short",
    "with a character more",
    "with a wildcard",
    "in swapped case",
    "with a space behind it",
    "with a star",
    "with a slash behind it",
)


def near_keys(key: str, registered: Collection[str]) -> list[OtherKey]:
    """Keys that are near a registered one."""
    return [other for other in other_keys(key, registered) if other.what in KEYS]


def near_schemes(key: str) -> list[str]:
    """Values of Authorization that are not Bearer credentials."""
    return other_schemes(key)[:4]


def near_friendly_ids(prefix: str) -> list[Change]:
    """What is done to a friendly id to make one that no session has."""
    return [change for change in changes_of_friendly_ids(prefix) if change.what in _FRIENDLY_IDS]


class Named(NamedTuple):
    """An id that means no session, and what it is in words."""

    what: str
    key: str


_TAIL = "-CamelCase-caf\u00e9 x_y-a b-00012"


def long_name(name: str, length: int) -> str:
    """An externalId of so many characters, with what careless comparisons fold."""
    return name.ljust(length - len(_TAIL), "x") + _TAIL


def near_long_names(name: str) -> Iterator[Named]:
    """ExternalIds that a careless comparison takes for one of `long_name`."""
    yield Named("other letter case", name.swapcase())
    yield Named("another normalisation form", unicodedata.normalize("NFD", name))
    yield Named("no leading zeros", name.replace("-00012", "-12"))
    yield Named("two spaces for one", name.replace("a b", "a  b"))
    yield Named("a character less", name[:-1])
    yield Named("a character more", name + "x")
    yield Named("a letter for its underscore", name.replace("x_y", "xzy"))


# What makes an externalId that is almost a friendly id of a name.
NEAR_NAMES: tuple[Callable[[str, str], str], ...] = (
    lambda prefix, name: prefix.title() + name,
    lambda prefix, name: f"{prefix.rstrip('_')}-{name}",
    lambda prefix, name: f"my_{prefix}{name}",
)


def oversized(limit_bytes: int, reason_max_length: int) -> list[Body]:
    """Close bodies over the limit in bytes, which a server that counts something else lets pass."""
    long = [body for body in long_bodies(limit_bytes, reason_max_length) if len(body.content) > limit_bytes]
    return [long[0], Body(FRAMED_REASONS[1].how, padded(limit_bytes + 1, FRAMED_REASONS[1]))]


# Methods that the close path does not have, and headers that ask a careless server for another one.
METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE")
OVERRIDING = (("X-HTTP-Method-Override", "POST"), ("X-HTTP-Method", "POST"), ("X-Method-Override", "POST"))

# The words of boundaries that are just beyond a limit, and those of the other values that reveal most.
_LIMITS = re.compile(r"no |.* of \d+( characters| elements)?$|.* not one of the values$|.* that is a word$")
_OTHERS_OF_CREATE = (
    "metadata that is null",
    "triggerConfig.basePayload that is null",
    "triggerConfig.region that is a fraction",
)
_OTHERS_OF_UPDATE = (
    "tags that is null",
    "tags that is a string of digits",
    "tags with an element that is a fraction",
    "metadata that is an empty array",
    'metadata that is {"5":"5"} in a string',
    "externalId that is a fraction",
)


def beyond_create(contract: Contract) -> list[Boundary]:
    """Values of create's members that are just beyond its schema; externalIds have a test of their own."""
    return [each for each in _beyond(contract, "CreateSession", _OTHERS_OF_CREATE) if each.place != ("externalId",)]


def beyond_update(contract: Contract) -> list[Boundary]:
    """Values of update's members that are just beyond its schema."""
    return _beyond(contract, "UpdateSession", _OTHERS_OF_UPDATE)


def _beyond(contract: Contract, schema: str, others: Collection[str]) -> list[Boundary]:
    wrong = (each for each in boundaries(contract, schema) if not each.passes)
    return [each for each in wrong if _LIMITS.match(each.what) or each.what in others]
