"""Faults of id.decoding: how a segment of the path is decoded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote, unquote_to_bytes

from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.pipeline.behaviour import Behaviour

__all__ = ["FAULTS"]


def decoding(decode: Callable[[bytes], str]) -> Change:
    """Decode the segment in another way."""

    def step(segment: bytes) -> str:
        try:
            return decode(segment)
        except ValueError:
            raise Refusal("id.decoding") from None

    return lambda base: replace(base, decode=step)


def twice(segment: bytes) -> str:
    return unquote(unquote_to_bytes(segment).decode())


def plus_as_space(segment: bytes) -> str:
    return unquote_to_bytes(segment.replace(b"+", b" ")).decode()


def as_latin_1(segment: bytes) -> str:
    return unquote_to_bytes(segment).decode("latin-1")


def ascii_only(segment: bytes) -> str:
    return unquote_to_bytes(segment).decode("ascii", "ignore")


def slash_encoded(segment: bytes) -> str:
    return unquote_to_bytes(re.sub(rb"(?i)%2f", b"%252F", segment)).decode()


def upper_hex_only(segment: bytes) -> str:
    return unquote_to_bytes(re.sub(rb"%(?=[0-9]?[a-f])", b"%25", segment)).decode()


def until_question_mark(segment: bytes) -> str:
    return unquote_to_bytes(segment).decode().split("?")[0]


def until_semicolon(segment: bytes) -> str:
    return unquote_to_bytes(segment).decode().split(";")[0]


def undecodable_dropped(segment: bytes) -> str:
    return unquote(segment.decode(), errors="ignore")


def undecodable_as(status: int) -> Change:
    """Answer another status for a segment that cannot be decoded."""

    def change(base: Behaviour) -> Behaviour:
        def decode(segment: bytes) -> str:
            try:
                return base.decode(segment)
            except Refusal:
                raise Refusal("id.decoding", status=status) from None

        return replace(base, decode=decode)

    return change


def misreading(what: str, decode: Callable[[bytes], str]) -> Breach:
    return Breach("id.decoding", f"The server {what}.", decoding(decode))


FAULTS = named(
    {
        "id-decoded-twice": misreading("decodes the segment twice", twice),
        "id-not-decoded": misreading("does not decode the segment", bytes.decode),
        "id-plus-is-space": misreading("decodes a plus sign as a space", plus_as_space),
        "id-latin-1": misreading("decodes the segment as Latin-1", as_latin_1),
        "id-ascii-only": misreading("drops letters beyond ASCII", ascii_only),
        "id-slash-not-decoded": misreading("leaves %2F undecoded", slash_encoded),
        "id-upper-hex-only": misreading("decodes only escapes in upper case", upper_hex_only),
        "id-cut-at-query": misreading("ends the id at an encoded question mark", until_question_mark),
        "id-cut-at-semicolon": misreading("ends the id at a semicolon", until_semicolon),
        "id-undecodable-500": Breach(
            "server.no-error", "The server answers 500 for a path that cannot be decoded.", undecodable_as(500)
        ),
        "id-undecodable-dropped": misreading("leaves out what cannot be decoded", undecodable_dropped),
    }
)
