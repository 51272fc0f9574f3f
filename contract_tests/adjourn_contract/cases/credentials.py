"""Authorization headers that are almost right."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator
from typing import NamedTuple

__all__ = ["UNKNOWN_KEY", "OtherKey", "other_keys", "other_schemes"]

UNKNOWN_KEY = "tr_dev_nobodyhasthiskey0123456789"


class OtherKey(NamedTuple):
    """A key that is not registered, and what it is in words."""

    what: str
    key: str


def other_schemes(key: str) -> list[str]:
    """Values of Authorization that are not Bearer credentials. `bearer` is one (RFC 9110, 11.1; grey.scheme-case).

    A key alone is not among them either (grey.bare-token).
    """
    basic = base64.b64encode(f"{key}:".encode()).decode()
    return [
        f"Basic {basic}",
        "Bearer",
        f"Token {key}",
        f"Bearer{key}",
        "",
        f"Basic {key}",
        "Bearer  ",
        f"ApiKey {key}",
        f"Digest {key}",
        f"Bearer: {key}",
        f"X Bearer {key}",
        f"Bearer={key}",
        f"Bearer,{key}",
        f"JWT {key}",
        f"Negotiate {key}",
        " ",
    ]


def other_keys(key: str, registered: Collection[str]) -> Iterator[OtherKey]:
    """Keys that are near a registered one, the most revealing first.

    Args:
        key: the registered key.
        registered: keys that are known; they are left out.
    """
    return (other for other in _near(key) if other.key not in registered)


def _near(key: str) -> Iterator[OtherKey]:
    kind, _, rest = key.rpartition("_")
    yield OtherKey("an unknown key", UNKNOWN_KEY)
    yield OtherKey("characters added", key + "x")
    yield OtherKey("a character less", key[:-1])
    yield OtherKey("upper case", key.upper())
    yield OtherKey("another last character", key[:-1] + ("x" if key[-1] != "x" else "y"))
    yield OtherKey("its prefix", f"{kind}_")
    yield OtherKey("an unknown key of production", UNKNOWN_KEY.replace("_dev_", "_prod_"))
    yield OtherKey("a digit added", key + "0")
    yield OtherKey("a character before", "x" + key)
    yield OtherKey("swapped case", key.swapcase())
    yield OtherKey("a capital", key[:1].upper() + key[1:])
    yield OtherKey("title case", f"{kind}_{rest.title()}")
    yield OtherKey("the key twice", key + key)
    yield OtherKey("the word Bearer before the key", f"Bearer {key}")
    yield OtherKey("the key in quotes", f'"{key}"')
    yield OtherKey("the key and a word", f"{key} x")
    yield OtherKey("the key with a comma", f"{key},")
    yield OtherKey("the key percent-encoded", key.replace("_", "%5F"))
    yield OtherKey("a word", "undefined")
    yield OtherKey("null", "null")
    yield OtherKey("a star", "*")
    yield OtherKey("dashes", key.replace("_", "-"))
    yield OtherKey("a long suffix", key + "_" + "x" * 40)
    yield OtherKey("without its prefix", rest)
    yield OtherKey("a key of additional form", f"{kind}_sk_nobody")
    yield OtherKey("characters added behind a dot", key + ".x")
