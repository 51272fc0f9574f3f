"""Faults of malformed bodies on create and update, and of many brackets everywhere."""

from __future__ import annotations

import json
import re

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


FAULTS = named(
    {
        "close-brackets-500": Breach(
            "server.no-error",
            "The server answers 500 to a close body of many unclosed brackets.",
            failing_on(CLOSE, many_brackets),
        ),
        "create-brackets-500": Breach(
            "server.no-error",
            "The server answers 500 to a create body of many unclosed brackets.",
            failing_on(CREATE, many_brackets),
        ),
        "update-brackets-500": Breach(
            "server.no-error",
            "The server answers 500 to an update body of many unclosed brackets.",
            failing_on(UPDATE, many_brackets),
        ),
        "create-malformed-500": Breach(
            "server.no-error",
            "The server answers 500 to a create body that is not JSON.",
            failing_on(CREATE, is_not_json),
        ),
        "update-malformed-500": Breach(
            "server.no-error",
            "The server answers 500 to an update body that is not JSON.",
            failing_on(UPDATE, is_not_json),
        ),
        "create-null-500": Breach(
            "server.no-error", "The server answers 500 to a create body of null.", failing_on(CREATE, is_null)
        ),
        "update-null-500": Breach(
            "server.no-error", "The server answers 500 to an update body of null.", failing_on(UPDATE, is_null)
        ),
        "create-empty-500": Breach(
            "server.no-error", "The server answers 500 to an empty create body.", failing_on(CREATE, is_empty)
        ),
        "update-empty-500": Breach(
            "server.no-error", "The server answers 500 to an empty update body.", failing_on(UPDATE, is_empty)
        ),
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
        "create-huge-number-500": Breach(
            "server.no-error",
            "The server answers 500 to a create with a huge number in metadata.",
            failing_on(CREATE, is_huge_number),
        ),
    }
)
