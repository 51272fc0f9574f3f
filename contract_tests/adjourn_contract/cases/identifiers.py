"""Ids that differ by a hair, and externalIds that are awkward in a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "ALIKE_PARTS",
    "CHANGES",
    "ODD_PARTS",
    "UNDECODABLE",
    "WORDS",
    "AlikePart",
    "Change",
    "Numbers",
    "Overdecoded",
    "changes_of_friendly_ids",
    "decoded_too_far",
    "near_prefixes",
    "same_numbers",
    "shapes",
]


@dataclass(frozen=True)
class Change:
    """A small change that makes another id of one."""

    what: str
    of: Callable[[str], str]


def _replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


def _ended(suffix: str, *, without: int = 0) -> Callable[[str], str]:
    return lambda text: text[: len(text) - without] + suffix


def _started(prefix: str, *, without: int = 0) -> Callable[[str], str]:
    return lambda text: prefix + text[without:]


# What is done to an externalId in mixed case with dashes; the most revealing first.
CHANGES = (
    Change("other letter case", str.swapcase),
    Change("a character less", _ended("", without=1)),
    Change("a character more", _ended("x")),
    Change("a space behind it", _ended(" ")),
    Change("a wildcard for a character", _ended("_", without=1)),
    Change("a slash behind it", _ended("/")),
    Change("all capitals", str.upper),
    Change("a capital", str.capitalize),
    Change("a character less in front", _started("", without=1)),
    Change("a character more in front", _started("x")),
    Change("a digit more", _ended("0")),
    Change("a space in front", _started(" ")),
    Change("a tab behind it", _ended("\t")),
    Change("a line feed behind it", _ended("\n")),
    Change("a no-break space behind it", _ended("\u00a0")),
    Change("a zero-width space behind it", _ended("\u200b")),
    Change("a byte order mark in front", _started("\ufeff")),
    Change("a dot behind it", _ended(".")),
    Change("a wildcard behind it", _ended("%", without=2)),
    Change("a star behind it", _ended("*", without=2)),
    Change("a question mark for a character", _ended("?", without=1)),
    Change("a pattern", _ended(".*", without=2)),
    Change("underscores for dashes", _replaced("-", "_")),
    Change("no dashes", _replaced("-", "")),
    Change("quotes around it", '"{}"'.format),
    Change("a semicolon and more", _ended(";v=1")),
    Change("a comma and more", _ended(",x")),
    Change("a hash and more", _ended("#x")),
    Change("a query in it", _ended("?x=1")),
    Change("an escape behind it", _ended("%20")),
    Change("a format", _ended(".json")),
    Change("a backslash behind it", _ended("\\")),
    Change("a path in front", _started("x/")),
    Change("a path behind it", _ended("/x")),
    Change("an injected condition", _ended("' OR '1'='1")),
    Change("full-width letters", _replaced("a", "\uff41")),
    Change("a letter of another alphabet", _replaced("a", "\u0430")),
    Change("half of it", lambda text: text[: len(text) // 2]),
    Change("its second half", lambda text: text[len(text) // 2 :]),
    Change("its middle", lambda text: text[2:-2]),
)


class AlikePart(NamedTuple):
    """A part of an externalId, and another part that a careless comparison takes for it."""

    what: str
    part: str
    other: str


ALIKE_PARTS = (
    AlikePart("another normalisation form", "caf\u00e9", "cafe\u0301"),
    AlikePart("no leading zeros", "-00012", "-12"),
    AlikePart("two spaces for one", "a b", "a  b"),
    AlikePart("other letter case beyond ASCII", "\u00c9", "\u00e9"),
    AlikePart("a letter where it has an underscore", "x_y", "xzy"),
    AlikePart("letters where it has a percent sign", "x%y", "xzzy"),
    AlikePart("an exponent written out", "-1e2", "-100"),
    AlikePart("a fraction of nothing", "-7.0", "-7"),
    AlikePart("a letter where it has a dot", "x.y", "xzy"),
    AlikePart("letters where it has a star", "x*y", "xzzy"),
    AlikePart("a letter where it has a question mark", "x?y", "xzy"),
    AlikePart("one of the letters in its brackets", "[xy]", "x"),
    AlikePart("one of its alternatives", "(x|y)", "x"),
    AlikePart("the part before its comma", "x,y", "x"),
    AlikePart("the part behind its colon", "x:y", "y"),
    AlikePart("a composed letter for two", "e\u0301", "\u00e9"),
    AlikePart("sharp s written out", "stra\u00dfe", "strasse"),
    AlikePart("a ligature taken apart", "\ufb01n", "fin"),
    AlikePart("a compatibility character", "\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m"),
    AlikePart("a dotless i", "I", "\u0131"),
    AlikePart("no accent", "caf\u00e9s", "cafes"),
)

# Names of things that every object, table or path has: as externalIds they are ids like any other.
WORDS = (
    "constructor",
    "__proto__",
    "toString",
    "null",
    "true",
    "hasOwnProperty",
    "valueOf",
    "prototype",
    "__class__",
    "length",
    "undefined",
    "NaN",
    "false",
    "None",
    "Infinity",
    "0",
    "7",
    "007",
    "1e2",
    "100",
    "close",
    "sessions",
    "self",
    "$where",
)  # fmt: skip - a list of words reads best as lines of words

UNDECODABLE = ("%FF", "%ZZ", "%", "%4", "%C0%AF", "%ED%A0%80", "%F8%88%80%80%80")

# Parts of externalIds that a path has to encode, or that look as if they were encoded already.
ODD_PARTS = (
    "a/b+c d%20e?f=g",
    "\u00fc#",
    "a\nb",
    "%2B",
    "a/b",
    "%20",
    "a+b",
    "a b",
    "\u00fc",
    "a?b=c",
    "a#b",
    "%",
    "a%2520b",
    "\U0001f98a",
    "a//b",
    "/a",
    "a/close",
    "a%b",
    "100%",
    "x%20y",
    "%41",
    "%zz",
    "a&b=c",
    "a;b=c",
    "a,b",
    "a:b@c",
    "a\\b",
    "a|b",
    'a"b',
    "a'b",
    "<a>",
    "{a}",
    "[a]",
    "a^b`c",
    "~a",
    "$a",
    "!a*",
    "(a)",
    "=a",
    "\u65e5\u672c",
    "e\u0301",
    "a\tb",
    "a\u00a0b",
    "\u200d",
    "..a",
    "a/../b",
    "./a",
    "a\u2028b",
    "\u00e9%C3%A9",
    "+",
    "a++b",
    "a\r\nb",
    "\u007f",
)  # fmt: skip - short parts read best side by side


class Overdecoded(NamedTuple):
    """An externalId, and a path segment that means it only where decoding goes too far."""

    what: str
    external_id: str
    segment: str


class Numbers(NamedTuple):
    """Two externalIds that are one number, and how they differ."""

    what: str
    one: str
    other: str


def same_numbers(number: Callable[[], int]) -> Iterator[Numbers]:
    """ExternalIds that are the same number to a reader that converts them.

    Args:
        number: draws a number that no externalId has.
    """
    for what, one, other in (
        ("without leading zeros", "00{}", "{}"),
        ("with an exponent written out", "{}e2", "{}00"),
        ("without a fraction of nothing", "{}.0", "{}"),
        ("with a plus sign", "{}", "+{}"),
        ("in decimal digits", "{:#x}", "{}"),
    ):
        drawn = number()
        yield Numbers(what, one.format(drawn), other.format(drawn))


def decoded_too_far(name: str) -> Iterator[Overdecoded]:
    """Segments that mean no session where each externalId is decoded once, as UTF-8."""
    for what, external_id, segment in (
        Overdecoded("a plus sign where the externalId has a space", "a b", "a+b"),
        Overdecoded("an escape encoded twice", "c d", "c%2520d"),
        Overdecoded("a plus sign encoded twice", "e+f", "e%252Bf"),
        Overdecoded("a space where the externalId has a plus sign", "g+h", "g%20h"),
        Overdecoded("a space where the externalId has its escape", "i%20j", "i%20j"),
        Overdecoded("a letter encoded twice", "k\u00e9", "k%25C3%25A9"),
        Overdecoded("a letter encoded in Latin-1", "m\u00e9", "m%E9"),
        Overdecoded("UTF-8 where the externalId has its bytes as letters", "\u00c3\u00a9n", "%C3%A9n"),
    ):
        yield Overdecoded(what, f"{name}{external_id}", f"{name}{segment}")


def near_prefixes(prefix: str, name: str) -> list[str]:
    """ExternalIds that almost start with the friendly prefix.

    Args:
        prefix: the friendly prefix.
        name: makes them unique.
    """
    bare = prefix.rstrip("_")
    near = (
        prefix.title() + name,
        f"{bare}-{name}",
        f"{bare}s{name}",
        f"my_{prefix}{name}",
        prefix.upper() + name,
        prefix.swapcase() + name,
        prefix[:1].upper() + prefix[1:] + name,
        prefix[:-2] + prefix[-2:].upper() + name,
        f"{bare}{name}",
        f"{bare}s_{name}",
        f"{bare}.{name}",
        f"{bare}:{name}",
        f"{bare} _{name}",
        f"x{prefix}{name}",
        f"_{prefix}{name}",
        f"{name}{prefix}",
        f"{name}_{prefix}1",
        f"/{prefix}{name}",
        f"{prefix[:4]}_{name}",
        f"{bare}%5F{name}",
        f"sess_{name}",
        f"{bare}\uff3f{name}",
        f"\u017f{prefix[1:]}{name}",
        f"run_{name}",
        f"{prefix[1:]}{name}",
    )
    return list(dict.fromkeys(each for each in near if not each.startswith(prefix)))


def shapes(digits: Callable[[int], str]) -> Iterator[str]:
    """ExternalIds in the form of other kinds of ids.

    Args:
        digits: makes unique hexadecimal digits, so many of them.
    """
    group = digits(32)
    yield f"{group[:8]}-{group[8:12]}-4{group[13:16]}-a{group[17:20]}-{group[20:]}"
    yield str(int(digits(14), 16))
    yield "c" + digits(24)
    yield digits(24)
    yield f"-{digits(10)}"
    yield f"run_c{digits(24)}"
    yield f"{digits(12)}@example.com"
    yield f"urn:uuid:{digits(12)}"
    yield f"https://example.com/{digits(12)}?a=b#c"
    yield f"{digits(12)}.json"
    yield f"[{digits(12)}]"
    yield f"{digits(12)}=="
    yield f"2026-01-02T03:04:05.{digits(12)}Z"


def changes_of_friendly_ids(prefix: str) -> Iterator[Change]:
    """What is done to a friendly id to make one that no session has."""

    def rest(change: Callable[[str], str]) -> Callable[[str], str]:
        return lambda text: prefix + change(text.removeprefix(prefix))

    yield Change("in upper case", rest(str.upper))
    yield Change("a character short", _ended("", without=1))
    yield Change("with a character more", _ended("x"))
    yield Change("with a wildcard", _ended("_", without=1))
    yield Change("in swapped case", rest(str.swapcase))
    yield Change("with a capital", rest(lambda text: text[:1].swapcase() + text[1:]))
    yield Change("with its last letter in other case", lambda text: text[:-1] + text[-1].swapcase())
    yield Change("with a space behind it", _ended(" "))
    yield Change("with a space in front", _started(" "))
    yield Change("with a tab behind it", _ended("\t"))
    yield Change("with a line feed", _ended("\n"))
    yield Change("with a slash behind it", _ended("/"))
    yield Change("with a percent sign", _ended("%", without=3))
    yield Change("with a star", _ended("*", without=3))
    yield Change("cut short", lambda text: text[: len(prefix) + 8])
    yield Change("with an underscore more", rest(_started("_")))
    yield Change("twice", lambda text: text * 2)
    yield Change("with a format", _ended(".json"))
    yield Change("with a semicolon", _ended(";x"))
    yield Change("with a no-break space", _ended("\u00a0"))
    yield Change("with a zero-width space", _ended("\u200b"))
    yield Change("with a space after its prefix", rest(_started(" ")))
