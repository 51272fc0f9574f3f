"""Faults of id.exact: which ids are taken for the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import finding

__all__ = ["FAULTS"]


def decoded_and(edit: Callable[[str], str]) -> Change:
    """Edit the segment once it is decoded."""
    return lambda base: replace(base, decode=lambda segment: edit(base.decode(segment)))


def any_case(asked: str, had: str) -> bool:
    return asked.lower() == had.lower()


def folded(asked: str, had: str) -> bool:
    return asked.casefold() == had.casefold()


def normalised(form: Any) -> Callable[[str, str], bool]:
    return lambda asked, had: bool(unicodedata.normalize(form, asked) == unicodedata.normalize(form, had))


def plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def without_accents(asked: str, had: str) -> bool:
    return plain(asked) == plain(had)


def is_start(asked: str, had: str) -> bool:
    return len(asked) > 12 and had.startswith(asked)


def is_end(asked: str, had: str) -> bool:
    return len(asked) > 6 and had.endswith(asked)


def is_longer(asked: str, had: str) -> bool:
    return len(had) > 6 and asked.startswith(had)


def like(asked: str, had: str) -> bool:
    return re.fullmatch(re.escape(asked).replace("%", ".*").replace("_", "."), had) is not None


def glob(asked: str, had: str) -> bool:
    return ("*" in asked or "?" in asked) and fnmatchcase(had, asked.replace("[", "?"))


def same_start(asked: str, had: str) -> bool:
    return len(asked) > 100 and asked[:128] == had[:128]


def without_slash(asked: str, had: str) -> bool:
    return asked.rstrip("/") == had


def without_zeros(asked: str, had: str) -> bool:
    return re.sub(r"-0+(\d)", r"-\1", asked) == re.sub(r"-0+(\d)", r"-\1", had)


def single_spaced(asked: str, had: str) -> bool:
    return " ".join(asked.split()) == " ".join(had.split())


def inexact(what: str, same: Callable[[str, str], bool], *, friendly: bool = True, external: bool = True) -> Breach:
    return Breach("id.exact", f"The server {what}.", finding(same, friendly=friendly, external=external))


FAULTS = named(
    {
        "id-external-any-case": inexact("ignores the letter case of externalIds", any_case, friendly=False),
        "id-friendly-any-case": inexact("ignores the letter case of friendly ids", any_case, external=False),
        "id-trimmed": Breach("id.exact", "The server drops white space around an id.", decoded_and(str.strip)),
        "id-trimmed-behind": Breach("id.exact", "The server drops white space behind an id.", decoded_and(str.rstrip)),
        "id-nfc": inexact("matches ids in any normalisation form", normalised("NFC")),
        "id-nfkc": inexact("matches ids in compatibility form", normalised("NFKC")),
        "id-casefold": inexact("folds the case of externalIds before it compares them", folded, friendly=False),
        "id-accents": inexact("ignores accents in externalIds", without_accents, friendly=False),
        "id-prefix-match": inexact("finds a session by the start of its id", is_start),
        "id-suffix-match": inexact("finds a session by the end of its id", is_end),
        "id-longer-match": inexact("finds a session by its id with more behind it", is_longer),
        "id-like": inexact("takes % and _ in an id for wildcards", like),
        "id-glob": inexact("takes * and ? in an id for wildcards", glob),
        "id-cut": inexact("compares only the first 128 characters of an externalId", same_start, friendly=False),
        "id-slash-behind": inexact("ignores a slash behind an id", without_slash),
        "id-numeric": inexact("ignores leading zeros of a number in an externalId", without_zeros, friendly=False),
        "id-spaces-folded": inexact("takes several spaces in an externalId for one", single_spaced, friendly=False),
    }
)
