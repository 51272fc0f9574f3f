"""Faults of malformed bodies on create and update, and of many brackets everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from adjourn_mock.faults.bodies.parsing import (
    array_as_object,
    empty_object,
    failing_on,
    first_value,
    null_as_object,
    parsing,
)
from adjourn_mock.faults.fault import Breach, named
from adjourn_mock.faults.steps import CLOSE, CREATE, UPDATE, mending

__all__ = ["FAULTS"]


def many_brackets(content: bytes) -> bool:
    """Over 500 opening brackets, none of them closed."""
    return content.count(b"[") > 500 and b"]" not in content


def is_empty(content: bytes) -> bool:
    return not content.strip()


def is_null(content: bytes) -> bool:
    return content.strip() == b"null"


def is_not_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return True
    return False


def is_huge_number(content: bytes) -> bool:
    """A number such as 1e300, which a double can express and a decimal column cannot."""
    return re.search(rb"[0-9]e\+?30[0-9]", content.lower()) is not None


def answering_500(what: str, limit_clause: str, is_bad: Callable[[bytes], bool]) -> Breach:
    return Breach("server.no-error", f"The server answers 500 to {what}.", failing_on(limit_clause, is_bad))


FAULTS = named(
    {
        "close-brackets-500": answering_500("a close body of many unclosed brackets", CLOSE, many_brackets),
        "create-brackets-500": answering_500("a create body of many unclosed brackets", CREATE, many_brackets),
        "update-brackets-500": answering_500("an update body of many unclosed brackets", UPDATE, many_brackets),
        "create-malformed-500": answering_500("a create body that is not JSON", CREATE, is_not_json),
        "update-malformed-500": answering_500("an update body that is not JSON", UPDATE, is_not_json),
        "create-null-500": answering_500("a create body of null", CREATE, is_null),
        "update-null-500": answering_500("an update body of null", UPDATE, is_null),
        "create-empty-500": answering_500("an empty create body", CREATE, is_empty),
        "update-empty-500": answering_500("an empty update body", UPDATE, is_empty),
        "create-nan-passes": Breach(
            "body.malformed", "The server accepts NaN and Infinity in a create body.", parsing(CREATE, json.loads)
        ),
        "update-nan-passes": Breach(
            "body.malformed", "The server accepts NaN and Infinity in an update body.", parsing(UPDATE, json.loads)
        ),
        "create-garbage-behind-passes": Breach(
            "body.malformed", "The server ignores what follows the object of a create.", parsing(CREATE, first_value)
        ),
        "update-garbage-behind-passes": Breach(
            "body.malformed", "The server ignores what follows the object of an update.", parsing(UPDATE, first_value)
        ),
        "update-malformed-is-empty": Breach(
            "body.malformed",
            "The server takes an update body that is not JSON for an empty object.",
            parsing(UPDATE, empty_object),
        ),
        "update-null-is-empty": Breach(
            "body.malformed",
            "The server takes an update body of null for an empty object.",
            mending(UPDATE, null_as_object),
        ),
        "update-array-is-empty": Breach(
            "body.malformed",
            "The server takes an update body that is an array for an empty object.",
            mending(UPDATE, array_as_object),
        ),
        "create-huge-number-500": answering_500("a create with a huge number in metadata", CREATE, is_huge_number),
    }
)
