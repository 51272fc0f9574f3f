"""Faults of the id clauses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environment
from adjourn_mock.exchanges.exchange import Answer, Refusal
from adjourn_mock.faults.fault import Change, Fault, finding
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import BodyRule, ExternalId, FriendlyId, SessionKey

__all__ = ["FAULTS"]


def identifying(is_friendly: Callable[[str, str], bool]) -> Change:
    """Tell ids apart by another rule: `is_friendly(text, prefix)`."""

    def change(base: Behaviour) -> Behaviour:
        def identify(service: Service, text: str) -> SessionKey:
            return FriendlyId(text) if is_friendly(text, service.contract.friendly_prefix) else ExternalId(text)

        return replace(base, identify=identify)

    return change


def decoding(decode: Callable[[bytes], str]) -> Change:
    def step(segment: bytes) -> str:
        try:
            return decode(segment)
        except ValueError:
            raise Refusal("id.decoding") from None

    return lambda base: replace(base, decode=step)


def falling_back(other: Callable[[Service, SessionKey], SessionKey | None]) -> Change:
    """Where nothing is found, look for another key as well."""

    def change(base: Behaviour) -> Behaviour:
        async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
            session = await base.find(service, environment, key)
            instead = other(service, key) if session is None else None
            return session if instead is None else await base.find(service, environment, instead)

        return replace(base, find=find)

    return change


def id_without_prefix(service: Service, key: SessionKey) -> SessionKey | None:
    return FriendlyId(service.contract.friendly_prefix + key.value) if isinstance(key, ExternalId) else None


def external_behind_prefix(service: Service, key: SessionKey) -> SessionKey | None:
    return ExternalId(key.value.removeprefix(service.contract.friendly_prefix)) if isinstance(key, FriendlyId) else None


def friendly_in_any_case(service: Service, key: SessionKey) -> SessionKey | None:
    prefix = service.contract.friendly_prefix
    if isinstance(key, ExternalId) and key.value.lower().startswith(prefix):
        return FriendlyId(prefix + key.value[len(prefix) :])
    return None


def trimming(base: Behaviour) -> Behaviour:
    return replace(base, decode=lambda segment: base.decode(segment).strip())


def one_form_only(kind: type) -> Change:
    def change(base: Behaviour) -> Behaviour:
        async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
            return await base.find(service, environment, key) if isinstance(key, kind) else None

        return replace(base, find=find)

    return change


def unknown_as(status: int, body: bytes | None = None) -> Change:
    def change(base: Behaviour) -> Behaviour:
        def refuse(service: Service, refusal: Refusal) -> Answer:
            answer = base.refuse(service, refusal)
            if refusal.clause == "id.unknown":
                answer.status, answer.body = status, answer.body if body is None else body
            return answer

        return replace(base, refuse=refuse)

    return change


def unknown_made(base: Behaviour) -> Behaviour:
    """Closing a session that is not there makes one."""

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        environment = call.caller.environment
        if isinstance(call.key, ExternalId) and await behaviour.find(service, environment, call.key) is None:
            body = {
                "type": "chat.agent",
                "taskIdentifier": "my-chat",
                "externalId": call.text,
                "triggerConfig": {"basePayload": {}},
            }
            made = replace_call(call, body)
            await base.create(service, behaviour, made)
        return await base.close(service, behaviour, call)

    return replace(base, close=close)


def replace_call(call: Call, value: dict[str, Any]) -> Call:
    return Call(call.caller, call.operation, call.text, call.key, value)


def reserved_accepted(base: Behaviour) -> Behaviour:
    def validate(value: Any, rule: BodyRule) -> Any:
        external_id = value.get("externalId") if isinstance(value, dict) else None
        if not isinstance(external_id, str) or rule.invalid_clause != "create.invalid":
            return base.validate(value, rule)
        return {**base.validate({**value, "externalId": "x"}, rule), "externalId": external_id.strip()}

    return replace(base, validate=validate)


def reserved_before_trimming(base: Behaviour) -> Behaviour:
    faulty = reserved_accepted(base)

    def validate(value: Any, rule: BodyRule) -> Any:
        external_id = value.get("externalId") if isinstance(value, dict) else None
        is_padded = isinstance(external_id, str) and external_id != external_id.strip()
        return (faulty if is_padded else base).validate(value, rule)

    return replace(base, validate=validate)


def overlooking(which: Callable[[SessionKey], bool]) -> Change:
    """Do not find some sessions."""

    def change(base: Behaviour) -> Behaviour:
        async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
            return None if which(key) else await base.find(service, environment, key)

        return replace(base, find=find)

    return change


def looking_up_as(status: int, which: Callable[[SessionKey], bool]) -> Change:
    """Refuse to look some ids up."""

    def change(base: Behaviour) -> Behaviour:
        async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
            if which(key):
                raise Refusal("id.unknown", status=status)
            return await base.find(service, environment, key)

        return replace(base, find=find)

    return change


def undecodable_as(status: int) -> Change:
    def change(base: Behaviour) -> Behaviour:
        def decode(segment: bytes) -> str:
            try:
                return base.decode(segment)
            except Refusal:
                raise Refusal("id.decoding", status=status) from None

        return replace(base, decode=decode)

    return change


def remembering_misses(base: Behaviour) -> Behaviour:
    """An id that was not found once is not looked up again."""
    missed: set[tuple[str, SessionKey]] = set()

    async def find(service: Service, environment: Environment, key: SessionKey) -> Session | None:
        if (environment.id, key) in missed:
            return None
        session = await base.find(service, environment, key)
        if session is None and len(missed) < _MAX_MISSED:
            missed.add((environment.id, key))
        return session

    return replace(base, find=find)


_MAX_MISSED = 100_000
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


FAULTS = [
    Fault("id-friendly-not-found", "id.friendly", "Friendly ids are not understood.", one_form_only(ExternalId)),
    Fault("id-external-not-found", "id.external", "externalIds are not understood.", one_form_only(FriendlyId)),
    Fault("id-prefix-any-case", "id.prefix", "The prefix counts in any letter case.", identifying(lambda t, p: t.lower().startswith(p))),
    Fault("id-prefix-no-underscore", "id.prefix", "The prefix counts without its underscore.", identifying(lambda t, p: t.startswith(p.rstrip("_")))),
    Fault("id-prefix-anywhere", "id.prefix", "The prefix counts anywhere.", identifying(lambda t, p: p in t)),
    Fault("id-prefix-dash", "id.prefix", "A dash in the prefix is as good as its underscore.", identifying(lambda t, p: t.replace("-", "_").startswith(p))),
    Fault("id-prefix-any-underscore", "id.prefix", "An id with an underscore is a friendly one.", identifying(lambda t, p: re.match(r"[a-z]+_", t) is not None)),
    Fault("id-without-prefix", "id.no-fallback", "A friendly id is found without its prefix.", falling_back(id_without_prefix)),
    Fault("id-external-behind-prefix", "id.no-fallback", "An externalId is found behind the friendly prefix.", falling_back(external_behind_prefix)),
    Fault("id-friendly-any-prefix-case", "id.no-fallback", "What is no externalId is tried as a friendly id in other case.", falling_back(friendly_in_any_case)),
    Fault("id-external-any-case", "id.exact", "externalIds match in any letter case.", finding(lambda a, b: a.lower() == b.lower(), friendly=False)),
    Fault("id-friendly-any-case", "id.exact", "Friendly ids match in any letter case.", finding(lambda a, b: a.lower() == b.lower(), external=False)),
    Fault("id-trimmed", "id.exact", "White space around an id is dropped.", trimming),
    Fault("id-trimmed-behind", "id.exact", "White space behind an id is dropped.", lambda base: replace(base, decode=lambda segment: base.decode(segment).rstrip())),
    Fault("id-nfc", "id.exact", "Ids match in any normalisation form.", finding(lambda a, b: unicodedata.normalize("NFC", a) == unicodedata.normalize("NFC", b))),
    Fault("id-nfkc", "id.exact", "Ids match in compatibility form.", finding(lambda a, b: unicodedata.normalize("NFKC", a) == unicodedata.normalize("NFKC", b))),
    Fault("id-casefold", "id.exact", "Ids match once folded.", finding(lambda a, b: a.casefold() == b.casefold(), friendly=False)),
    Fault("id-accents", "id.exact", "Accents do not count.", finding(lambda a, b: plain(a) == plain(b), friendly=False)),
    Fault("id-prefix-match", "id.exact", "The start of an id is enough.", finding(lambda a, b: len(a) > 12 and b.startswith(a))),
    Fault("id-suffix-match", "id.exact", "The end of an id is enough.", finding(lambda a, b: len(a) > 6 and b.endswith(a))),
    Fault("id-longer-match", "id.exact", "An id with more behind it is found.", finding(lambda a, b: len(b) > 6 and a.startswith(b))),
    Fault("id-like", "id.exact", "% and _ are wildcards.", finding(lambda a, b: re.fullmatch(re.escape(a).replace("%", ".*").replace("_", "."), b) is not None)),
    Fault("id-glob", "id.exact", "* and ? are wildcards.", finding(lambda a, b: ("*" in a or "?" in a) and fnmatchcase(b, a.replace("[", "?")))),
    Fault("id-cut", "id.exact", "Only the first 128 characters of an externalId count.", finding(lambda a, b: len(a) > 100 and a[:128] == b[:128], friendly=False)),
    Fault("id-slash-behind", "id.exact", "A slash behind an id does not count.", finding(lambda a, b: a.rstrip("/") == b)),
    Fault("id-numeric", "id.exact", "Leading zeros do not count.", finding(lambda a, b: re.sub(r"-0+(\d)", r"-\1", a) == re.sub(r"-0+(\d)", r"-\1", b), friendly=False)),
    Fault("id-spaces-folded", "id.exact", "Several spaces are as good as one.", finding(lambda a, b: " ".join(a.split()) == " ".join(b.split()), friendly=False)),
    Fault("id-decoded-twice", "id.decoding", "The segment is decoded twice.", decoding(lambda s: unquote(unquote_to_bytes(s).decode()))),
    Fault("id-not-decoded", "id.decoding", "The segment is not decoded.", decoding(lambda s: s.decode())),
    Fault("id-plus-is-space", "id.decoding", "A plus sign is a space.", decoding(lambda s: unquote_to_bytes(s.replace(b"+", b" ")).decode())),
    Fault("id-latin-1", "id.decoding", "The segment is decoded as Latin-1.", decoding(lambda s: unquote_to_bytes(s).decode("latin-1"))),
    Fault("id-ascii-only", "id.decoding", "Letters beyond ASCII are dropped.", decoding(lambda s: unquote_to_bytes(s).decode("ascii", "ignore"))),
    Fault("id-slash-not-decoded", "id.decoding", "%2F stays as it is.", decoding(lambda s: unquote_to_bytes(re.sub(rb"(?i)%2f", b"%252F", s)).decode())),
    Fault("id-upper-hex-only", "id.decoding", "Only escapes in upper case are decoded.", decoding(lambda s: unquote_to_bytes(re.sub(rb"%(?=[0-9]?[a-f])", b"%25", s)).decode())),
    Fault("id-cut-at-query", "id.decoding", "An encoded question mark ends the id.", decoding(lambda s: unquote_to_bytes(s).decode().split("?")[0])),
    Fault("id-cut-at-semicolon", "id.decoding", "A semicolon ends the id.", decoding(lambda s: unquote_to_bytes(s).decode().split(";")[0])),
    Fault("id-undecodable-500", "id.decoding", "A path that cannot be decoded is 500.", undecodable_as(500)),
    Fault("id-undecodable-dropped", "id.decoding", "What cannot be decoded is left out.", decoding(lambda s: unquote(s.decode(), errors="ignore"))),
    Fault("id-line-feed", "id.decoding", "Ids with a line feed in them are not found.", overlooking(lambda key: "\n" in key.value)),
    Fault("id-uuid", "id.external", "externalIds that are UUIDs are not found.", overlooking(lambda key: isinstance(key, ExternalId) and _UUID.fullmatch(key.value) is not None)),
    Fault("id-digits", "id.external", "externalIds that are numbers are not found.", overlooking(lambda key: isinstance(key, ExternalId) and key.value.isdigit())),
    Fault("id-like-own", "id.external", "externalIds that look like a friendly id without its prefix are not found.", overlooking(lambda key: isinstance(key, ExternalId) and re.fullmatch("c[a-z0-9]{24}", key.value) is not None)),
    Fault("id-long-500", "id.unknown", "A very long id is 500.", looking_up_as(500, lambda key: len(key.value) > 290)),
    Fault("id-strange-friendly-400", "id.unknown", "A friendly id with other characters than the service's is 400.", looking_up_as(400, lambda key: isinstance(key, FriendlyId) and re.fullmatch("[a-z]+_[a-z0-9]*", key.value) is None)),
    Fault("id-miss-remembered", "id.unknown", "A session that was asked for before it was there is not found.", remembering_misses),
    Fault("id-unknown-400", "id.unknown", "An unknown id is 400.", unknown_as(400)),
    Fault("id-unknown-200", "id.unknown", "An unknown id is 200.", unknown_as(200)),
    Fault("id-unknown-403", "id.unknown", "An unknown id is 403.", unknown_as(403)),
    Fault("id-unknown-410", "id.unknown", "An unknown id is 410.", unknown_as(410)),
    Fault("id-unknown-500", "id.unknown", "An unknown id is 500.", unknown_as(500)),
    Fault("id-unknown-no-error", "id.unknown", "A 404 has no error string.", unknown_as(404, b'{"message":"not found"}')),
    Fault("id-unknown-made", "id.unknown", "Closing an unknown session makes it.", unknown_made),
    Fault("id-reserved-accepted", "id.reserved", "Create takes an externalId with the friendly prefix.", reserved_accepted),
    Fault("id-reserved-before-trimming", "id.reserved", "The friendly prefix is looked for before white space is dropped.", reserved_before_trimming),
]  # fmt: skip
