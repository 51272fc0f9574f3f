"""Faults of the reason clauses."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.members import Members
from adjourn_mock.faults.steps import CLOSE, given, mending, refusing
from adjourn_mock.pipeline.behaviour import Behaviour
from adjourn_spec import BodyRule

__all__ = ["FAULTS"]


# Which reasons pass.


def fixing(is_meant: Callable[[Any], bool], fix: Callable[[Any], str | None]) -> Change:
    """Fix the reasons that `is_meant` accepts before they are validated; None leaves the reason out."""

    def fixed(value: Any) -> Any:
        if not isinstance(value, dict) or "reason" not in value or not is_meant(value["reason"]):
            return value
        reason = fix(value["reason"])
        others = {name: member for name, member in value.items() if name != "reason"}
        return others if reason is None else {**others, "reason": reason}

    return mending(CLOSE, fixed)


def is_null(reason: Any) -> bool:
    return reason is None


def is_number(reason: Any) -> bool:
    return isinstance(reason, int | float) and not isinstance(reason, bool)


def is_boolean(reason: Any) -> bool:
    return isinstance(reason, bool)


def is_array(reason: Any) -> bool:
    return isinstance(reason, list)


def is_object(reason: Any) -> bool:
    return isinstance(reason, dict)


def is_empty_container(reason: Any) -> bool:
    return reason in ([], {})


def no_reason(reason: Any) -> None:
    return None


def reason_or_null(value: Any) -> Any:
    return {**value, "reason": value.get("reason")} if isinstance(value, dict) else value


def max_length(rule: BodyRule) -> int:
    length: int = rule.schema.definition["properties"]["reason"]["maxLength"]
    return length


def measuring(length: Callable[[str], int], extra: int = 0) -> Change:
    """Measure reasons in another way, and let `extra` characters more pass than the limit."""

    def change(base: Behaviour) -> Behaviour:
        def validate(request: Request, value: Any, rule: BodyRule) -> Any:
            reason = value.get("reason") if rule.limit_clause == CLOSE and isinstance(value, dict) else None
            if not isinstance(reason, str):
                return base.validate(request, value, rule)
            if length(reason) > max_length(rule) + extra:
                raise Refusal("reason.limit")
            return {**base.validate(request, {**value, "reason": ""}, rule), "reason": reason}

        return replace(base, validate=validate)

    return change


def no_length(reason: str) -> int:
    return 0


def utf8_bytes(reason: str) -> int:
    return len(reason.encode("utf-8", "surrogatepass"))


def base_characters(reason: str) -> int:
    return sum(not unicodedata.combining(character) for character in reason)


def trimmed_length(reason: str) -> int:
    return len(reason.strip())


def cutting(base: Behaviour) -> Behaviour:
    """A reason that is too long is cut to the limit."""

    def validate(request: Request, value: Any, rule: BodyRule) -> Any:
        reason = value.get("reason") if rule.limit_clause == CLOSE and isinstance(value, dict) else None
        if not isinstance(reason, str):
            return base.validate(request, value, rule)
        return base.validate(request, {**value, "reason": reason[: max_length(rule)]}, rule)

    return replace(base, validate=validate)


# What is recorded.


def recording(write: Callable[[str], str | None]) -> Change:
    """Record another reason than the one that was sent."""

    def edit(members: Members) -> Members:
        reason = write(members["reason"]) if "reason" in members else None
        others = {name: value for name, value in members.items() if name != "reason"}
        return others if reason is None else {**others, "reason": reason}

    return given("close", edit)


def default_reason(reason: str) -> Change:
    """Record a reason where none was sent."""
    return given("close", lambda members: {"reason": reason, **members})


def none_if_empty(reason: str) -> str | None:
    return reason or None


def none_if_null(reason: str) -> str | None:
    return None if reason == "null" else reason


def cut(length: int) -> Callable[[str], str]:
    return lambda reason: reason[:length]


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda reason: reason.replace(old, new)


def normalised(form: Any) -> Callable[[str], str]:
    return lambda reason: unicodedata.normalize(form, reason)


def ascii_only(reason: str) -> str:
    return reason.encode("ascii", "replace").decode()


def without_astral(reason: str) -> str:
    return "".join(character if character <= "\uffff" else "\ufffd" for character in reason)


def single_spaced(reason: str) -> str:
    return " ".join(reason.split()) if "  " in reason else reason


def without_control_characters(reason: str) -> str:
    return "".join(character for character in reason if character >= " ")


def altering(what: str, alter: Callable[[str], str | None]) -> Breach:
    """The reason is not recorded as it was sent."""
    return Breach("reason.verbatim", f"The server {what}.", recording(alter))


FAULTS = named(
    {
        "reason-required": Breach(
            "reason.optional", "The server refuses a close without a reason.", mending(CLOSE, reason_or_null)
        ),
        "reason-default": Breach(
            "reason.optional", "The server makes up a reason where none was sent.", default_reason("closed")
        ),
        "reason-empty-for-none": Breach(
            "reason.optional", "The server records an empty reason where none was sent.", default_reason("")
        ),
        "reason-limit-one-more": Breach(
            "reason.limit", "The server accepts a reason of one character over the limit.", measuring(len, 1)
        ),
        "reason-limit-one-less": Breach(
            "reason.limit", "The server refuses a reason as long as the limit.", measuring(len, -1)
        ),
        "reason-limit-none": Breach("reason.limit", "The server accepts a reason of any length.", measuring(no_length)),
        "reason-limit-bytes": Breach(
            "reason.limit", "The server counts bytes for the limit of the reason.", measuring(utf8_bytes)
        ),
        "reason-limit-graphemes": Breach(
            "reason.limit", "The server does not count combining characters of the reason.", measuring(base_characters)
        ),
        "reason-limit-trimmed": Breach(
            "reason.limit", "The server does not count white space around the reason.", measuring(trimmed_length)
        ),
        "reason-limit-cuts": Breach("reason.limit", "The server cuts a reason that is too long.", cutting),
        "reason-limit-500": Breach(
            "server.no-error",
            "The server answers 500 for a reason that is too long.",
            refusing("reason.limit", status=500),
        ),
        "reason-null-passes": Breach(
            "reason.type", "The server accepts null for a reason.", fixing(is_null, no_reason)
        ),
        "reason-number-passes": Breach("reason.type", "The server makes a string of a number.", fixing(is_number, str)),
        "reason-boolean-passes": Breach(
            "reason.type", "The server makes a string of a boolean.", fixing(is_boolean, json.dumps)
        ),
        "reason-array-passes": Breach(
            "reason.type", "The server makes a string of an array.", fixing(is_array, json.dumps)
        ),
        "reason-object-passes": Breach(
            "reason.type", "The server makes a string of an object.", fixing(is_object, json.dumps)
        ),
        "reason-empty-array-passes": Breach(
            "reason.type",
            "The server takes an empty array or object for no reason.",
            fixing(is_empty_container, no_reason),
        ),
        "reason-type-500": Breach(
            "server.no-error",
            "The server answers 500 for a reason that is not a string.",
            refusing("reason.type", status=500),
        ),
        "reason-trimmed": altering("drops white space around the reason", str.strip),
        "reason-trimmed-behind": altering("drops white space behind the reason", str.rstrip),
        "reason-empty-is-null": altering("records null for an empty reason", none_if_empty),
        "reason-cut-255": altering("cuts the reason to 255 characters", cut(255)),
        "reason-cut-100": altering("cuts the reason to 100 characters", cut(100)),
        "reason-nfc": altering("normalises the reason", normalised("NFC")),
        "reason-nfkc": altering("normalises the reason for compatibility", normalised("NFKC")),
        "reason-html-escaped": altering("escapes the reason for HTML", html.escape),
        "reason-html-unescaped": altering("resolves entities in the reason", html.unescape),
        "reason-lower-case": altering("records the reason in lower case", str.lower),
        "reason-ascii": altering("records question marks for characters beyond ASCII", ascii_only),
        "reason-no-astral": altering("loses emoji", without_astral),
        "reason-line-feeds": altering("turns line ends into line feeds", replaced("\r\n", "\n")),
        "reason-spaces-folded": altering("records one space for several", single_spaced),
        "reason-no-control-characters": altering("drops control characters", without_control_characters),
        "reason-quotes-doubled": altering("doubles quotes", replaced("'", "''")),
        "reason-backslashes": altering("resolves backslash escapes", replaced("\\n", "\n")),
        "reason-percent-decoded": altering("resolves escapes of URLs", replaced("%20", " ")),
        "reason-null-text": altering("records null for the word null", none_if_null),
        "reason-no-mark": altering("drops a byte order mark", replaced("\ufeff", "")),
    }
)
