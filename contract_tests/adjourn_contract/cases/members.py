"""Sessions whose members a careless store changes, and bodies of create and update that are almost right."""

from __future__ import annotations

from typing import Any

from adjourn_contract.cases.bodies import Body

__all__ = ["MALFORMED_MEMBERS", "OFFSETS", "TREACHEROUS"]

# Each value survives create, retrieve, update, close and list as JSON (grey.numbers, grey.trigger-members).
TREACHEROUS: tuple[dict[str, Any], ...] = (
    {
        "type": "Chat.Agent-007",
        "taskIdentifier": "My-TASK_1",
        "tags": ["Tag", "tag", "007", "true", " spaced ", "", "\u00c9"],
        "metadata": {
            "Case": "MiXed",
            "case": 1,
            "digits": "007",
            "exponent": "1e2",
            "true": True,
            "one": 1,
            "fraction": 0.5,
            "zero": 0,
            "false": False,
            "text": "true",
            "nothing": None,
            "list": [],
            "object": {},
            "empty": "",
            "deep": {"er": [{"est": [None, [], {}, "", 0, False]}]},
        },
        "triggerConfig": {
            "basePayload": {
                "Case": "MiXed",
                "number": 5,
                "digits": "5",
                "yes": True,
                "one": 1,
                "fraction": 0.25,
                "nothing": None,
                "list": [[], [None], {}],
                "object": {},
                "deep": {"er": {"est": ["x"]}},
                "empty": "",
                "constructor": "x",
                "toString": 1,
                "length": 3,
            },
            "queue": "My-Queue",
            "tags": ["Tag", "tag", "007"],
        },
    },
    {"metadata": {"constructor": 1, "toString": {"a": 1}, "hasOwnProperty": True, "length": 0}},
    {"metadata": {"large": 2**53 - 1, "small": -(2**53) + 1, "huge": 1e300, "tiny": 1e-300, "negative": -0.5}},
    {"metadata": {"\u00fc": "\U0001f98a", "a.b": 1, "$set": 2, "a b": 3, "a/b": [4], "": 5}},
)

# The same instant in several offsets, the most revealing first: it comes back as that instant, in any offset.
OFFSETS = (
    "2099-06-01T06:30:45-05:30",
    "2099-06-01T14:00:45+02:00",
    "2099-06-01T12:00:45Z",
    "2099-06-01T12:00:45.000+00:00",
)

# Bodies of create and update that are not JSON objects (clause body.malformed), the most revealing first.
MALFORMED_MEMBERS = (
    Body("a brace", b"{"),
    Body("null", b"null"),
    Body("many unclosed brackets", b'{"metadata":' + b"[" * 1000),
    Body("nothing", b""),
    Body("an array", b"[]"),
    Body("NaN in it", b'{"metadata":{"x":NaN},"tags":["x"]}'),
    Body("nothing but unclosed brackets", b"[" * 1000),
    Body("Infinity in it", b'{"metadata":{"x":Infinity},"tags":["x"]}'),
    Body("trailing garbage", b'{"tags":["x"]} x'),
    Body("two objects", b'{"tags":["x"]}{"tags":["y"]}'),
    Body("a string", b'"x"'),
    Body("a number", b"5"),
    Body("false", b"false"),
    Body("a form", b"tags=x"),
    Body("a trailing comma", b'{"tags":["x"],}'),
    Body("single quotes", b"{'tags':['x']}"),
)
