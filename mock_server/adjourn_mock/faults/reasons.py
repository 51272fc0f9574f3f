"""Faults of the reason clauses."""

from __future__ import annotations

import html
import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.bodies import CLOSE, refusing, validating
from adjourn_mock.faults.fault import Change, Fault
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule

__all__ = ["FAULTS"]


def with_reason(fix: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Fix the reason of a body that has one."""

    def fixed(value: Any) -> Any:
        if not isinstance(value, dict) or "reason" not in value:
            return value
        reason = fix(value["reason"])
        return {name: member for name, member in {**value, "reason": reason}.items() if member is not _NOTHING}

    return fixed


_NOTHING = object()


def recording(write: Callable[[str | None], str | None]) -> Change:
    """Record another reason than the one that was sent."""

    def change(base: Behaviour) -> Behaviour:
        async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
            value = dict(call.value)
            reason = write(value.pop("reason", None))
            if reason is not None:
                value["reason"] = reason
            return await base.close(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

        return replace(base, close=close)

    return change


def text(write: Callable[[str], str | None]) -> Change:
    return recording(lambda reason: None if reason is None else write(reason))


def limit_of_reason(extra: int) -> Change:
    """Count `extra` characters more, or less, as allowed."""

    def change(base: Behaviour) -> Behaviour:
        def validate(value: Any, rule: BodyRule) -> Any:
            reason = value.get("reason") if rule.limit_clause == CLOSE and isinstance(value, dict) else None
            if not isinstance(reason, str):
                return base.validate(value, rule)
            limit = rule.schema.definition["properties"]["reason"]["maxLength"] + extra
            if len(reason) > limit:
                raise Refusal("reason.limit")
            return {**base.validate({**value, "reason": ""}, rule), "reason": reason}

        return replace(base, validate=validate)

    return change


def counting(length: Callable[[str], int]) -> Change:
    """Count the characters of a reason in another way."""

    def change(base: Behaviour) -> Behaviour:
        def validate(value: Any, rule: BodyRule) -> Any:
            reason = value.get("reason") if rule.limit_clause == CLOSE and isinstance(value, dict) else None
            if not isinstance(reason, str):
                return base.validate(value, rule)
            if length(reason) > rule.schema.definition["properties"]["reason"]["maxLength"]:
                raise Refusal("reason.limit")
            return {**base.validate({**value, "reason": ""}, rule), "reason": reason}

        return replace(base, validate=validate)

    return change


def cutting(base: Behaviour) -> Behaviour:
    """A reason that is too long is cut to the limit."""

    def validate(value: Any, rule: BodyRule) -> Any:
        reason = value.get("reason") if rule.limit_clause == CLOSE and isinstance(value, dict) else None
        if not isinstance(reason, str):
            return base.validate(value, rule)
        return base.validate(
            {**value, "reason": reason[: rule.schema.definition["properties"]["reason"]["maxLength"]]}, rule
        )

    return replace(base, validate=validate)


FAULTS = [
    Fault("reason-required", "reason.optional", "A close without a reason is refused.", validating(lambda v: {**v, "reason": v.get("reason")} if isinstance(v, dict) else v)),
    Fault("reason-default", "reason.optional", "Without a reason one is made up.", recording(lambda r: "closed" if r is None else r)),
    Fault("reason-empty-for-none", "reason.optional", "Without a reason it is empty.", recording(lambda r: "" if r is None else r)),
    Fault("reason-limit-one-more", "reason.limit", "A character over the limit passes.", limit_of_reason(1)),
    Fault("reason-limit-one-less", "reason.limit", "A reason as long as the limit is refused.", limit_of_reason(-1)),
    Fault("reason-limit-none", "reason.limit", "A reason may be as long as it likes.", limit_of_reason(10_000)),
    Fault("reason-limit-bytes", "reason.limit", "The limit of the reason counts bytes.", counting(lambda r: len(r.encode("utf-8", "surrogatepass")))),
    Fault("reason-limit-graphemes", "reason.limit", "Combining characters do not count.", counting(lambda r: sum(not unicodedata.combining(c) for c in r))),
    Fault("reason-limit-trimmed", "reason.limit", "White space around the reason does not count.", counting(lambda r: len(r.strip()))),
    Fault("reason-limit-cuts", "reason.limit", "A reason that is too long is cut.", cutting),
    Fault("reason-limit-500", "reason.limit", "A reason that is too long is 500.", refusing(("reason.limit",), 500)),
    Fault("reason-null-passes", "reason.type", "A reason of null passes.", validating(with_reason(lambda r: _NOTHING if r is None else r))),
    Fault("reason-number-passes", "reason.type", "A number is made a string.", validating(with_reason(lambda r: str(r) if isinstance(r, int | float) and not isinstance(r, bool) else r))),
    Fault("reason-boolean-passes", "reason.type", "A boolean is made a string.", validating(with_reason(lambda r: str(r).lower() if isinstance(r, bool) else r))),
    Fault("reason-array-passes", "reason.type", "An array is made a string.", validating(with_reason(lambda r: json.dumps(r) if isinstance(r, list) else r))),
    Fault("reason-object-passes", "reason.type", "An object is made a string.", validating(with_reason(lambda r: json.dumps(r) if isinstance(r, dict) else r))),
    Fault("reason-empty-array-passes", "reason.type", "An empty array or object is no reason.", validating(with_reason(lambda r: _NOTHING if r in ([], {}) else r))),
    Fault("reason-type-500", "reason.type", "A reason that is no string is 500.", refusing(("reason.type",), 500)),
    Fault("reason-trimmed", "reason.verbatim", "White space around the reason is dropped.", text(str.strip)),
    Fault("reason-trimmed-behind", "reason.verbatim", "White space behind the reason is dropped.", text(str.rstrip)),
    Fault("reason-empty-is-null", "reason.verbatim", "An empty reason becomes null.", text(lambda r: r or None)),
    Fault("reason-cut-255", "reason.verbatim", "The reason is cut to 255 characters.", text(lambda r: r[:255])),
    Fault("reason-cut-100", "reason.verbatim", "The reason is cut to 100 characters.", text(lambda r: r[:100])),
    Fault("reason-nfc", "reason.verbatim", "The reason is normalised.", text(lambda r: unicodedata.normalize("NFC", r))),
    Fault("reason-nfkc", "reason.verbatim", "The reason is normalised for compatibility.", text(lambda r: unicodedata.normalize("NFKC", r))),
    Fault("reason-html-escaped", "reason.verbatim", "The reason is escaped for HTML.", text(html.escape)),
    Fault("reason-html-unescaped", "reason.verbatim", "Entities in the reason are resolved.", text(html.unescape)),
    Fault("reason-lower-case", "reason.verbatim", "The reason is made lower case.", text(str.lower)),
    Fault("reason-ascii", "reason.verbatim", "Characters beyond ASCII become question marks.", text(lambda r: r.encode("ascii", "replace").decode())),
    Fault("reason-no-astral", "reason.verbatim", "Emoji are lost.", text(lambda r: "".join(c if c <= "\uffff" else "\ufffd" for c in r))),
    Fault("reason-line-feeds", "reason.verbatim", "Line ends become line feeds.", text(lambda r: r.replace("\r\n", "\n"))),
    Fault("reason-spaces-folded", "reason.verbatim", "Several spaces become one.", text(lambda r: " ".join(r.split(" ")) if "  " not in r else " ".join(r.split()))),
    Fault("reason-no-control-characters", "reason.verbatim", "Control characters are dropped.", text(lambda r: "".join(c for c in r if c >= " "))),
    Fault("reason-quotes-doubled", "reason.verbatim", "Quotes are doubled.", text(lambda r: r.replace("'", "''"))),
    Fault("reason-backslashes", "reason.verbatim", "Backslash escapes are resolved.", text(lambda r: r.replace("\\n", "\n"))),
    Fault("reason-percent-decoded", "reason.verbatim", "Escapes of URLs are resolved.", text(lambda r: r.replace("%20", " "))),
    Fault("reason-null-text", "reason.verbatim", "The word null becomes null.", text(lambda r: None if r == "null" else r)),
    Fault("reason-no-mark", "reason.verbatim", "A byte order mark is dropped.", text(lambda r: r.replace("\ufeff", ""))),
]  # fmt: skip
