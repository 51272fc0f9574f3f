"""A story as a pytest file that needs nothing but pytest and the standard library."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adjourn_contract.proofs.commands import in_groups
from adjourn_contract.proofs.evidence import Claim, Reading
from adjourn_contract.proofs.pytest_helpers import DIGITS, FORGED, LAPSE, MOMENT, RAW, SEND, TOGETHER
from adjourn_contract.proofs.quoting import Repeated, parts_of
from adjourn_contract.proofs.story import KEY, OTHER_KEY, RUN, Forgery, Made, Moment, Novelty, Step, Story
from adjourn_contract.proofs.texts import Reference, Text

__all__ = ["pytest_file"]

_CASES = {"same": "", "upper": ".upper()", "lower": ".lower()", "swapped": ".swapcase()"}
_MODULES = {
    "base64": "base64.",
    "hashlib": "hashlib.",
    "hmac": "hmac.",
    "http.client": "http.client",
    "json": "json.",
    "os": "os.",
    "re": "re.",
    "secrets": "secrets.",
    "socket": "socket.",
    "threading": "threading.",
    "time": "time.",
}


def pytest_file(story: Story, statement: str) -> str | None:
    """A pytest file whose test fails on a server that breaks the clause and passes on one that satisfies it.

    Args:
        story: the steps and the evidence.
        statement: the clause in words.

    Returns None where the story has no evidence that a program can check.
    """
    if story.evidence is None:
        return None
    name = "test_" + re.sub(r"\W+", "_", story.clause)
    play = [*_variables(story), *(line for group in in_groups(story.steps) for line in _group(group))]
    claims = [line for claim in story.evidence.claims for line in _assertion(story, claim)]
    lines = (
        [f"for _ in range({story.rounds}):", *(f"    {line}" for line in [*play, *claims])]
        if story.rounds > 1
        else play + claims
    )
    body = "\n".join(f"    {line}" for line in lines)
    code = "\n\n".join([*_helpers(body), f"def {name}():\n{body}\n"])
    return f'"""{_heading(story, statement)}"""\n\n{_imports(code)}\n\n{_settings(story)}\n\n\n{code}'


def _heading(story: Story, statement: str) -> str:
    said = f"{story.clause}: {statement}\n\nExpected {story.expected}\nGot {story.got}\n"
    return said.replace("\\", "\\\\").replace('"""', "'''")


def _imports(code: str) -> str:
    plain = [f"import {module}" for module, use in _MODULES.items() if use in code or module in ("os", "json")]
    named = [("concurrent.futures", "ThreadPoolExecutor"), ("urllib.parse", "urlsplit")]
    lines = [f"from {module} import {name}" for module, name in named if name in code]
    if "datetime" in code:
        lines.insert(0, "from datetime import datetime, timedelta, timezone")
    return "\n".join([*plain, *lines])


def _settings(story: Story) -> str:
    lines = [f'URL = os.environ.get("TRIGGER_API_URL", {story.url!r})']
    used = story.names
    for key in (KEY, OTHER_KEY):
        if key in used or f"{key}_BASIC" in used:
            lines.append(f'{key} = os.environ["{key}"]')
        if f"{key}_BASIC" in used:
            lines.append(f'{key}_BASIC = base64.b64encode(f"{{{key}}}:".encode()).decode()')
    return "\n".join(lines)


def _helpers(body: str) -> Iterator[str]:
    for call, text in (
        ("", SEND),
        ("send_bytes(", RAW),
        ("together(", TOGETHER),
        ("forged(", FORGED),
        ("digits(", DIGITS),
        ("moment(", MOMENT),
        ("lapse(", LAPSE),
    ):
        if call in body:
            yield text.strip() + "\n"


def _variables(story: Story) -> Iterator[str]:
    if RUN in story.names:
        yield f"RUN = digits({len(story.run)})"


# steps


def _group(group: list[Step]) -> Iterator[str]:
    for step in group:
        if step.wait_seconds:
            yield f"time.sleep({step.wait_seconds:g})"
        for each in step.made:
            yield f"{each.name} = {_making(each)}"
    names = ", ".join(f"a{step.number}" for step in group)
    if len(group) == 1:
        yield f"{names} = {_request(group[0])}"
    else:
        yield f"{names} = together("
        yield from (f"    lambda: {_request(step)}," for step in group)
        yield ")"
    for step in group:
        for capture in step.captures:
            place = "".join(f"[{part!r}]" for part in capture.place)
            yield f"{capture.name} = json.loads(a{step.number}.text){place}"


def _making(made: Made) -> str:
    if isinstance(made, Novelty):
        return f"digits({made.digits})"
    if isinstance(made, Moment):
        return f"moment({made.seconds:g}, {made.is_epoch})"
    return _forging(made)


def _forging(forgery: Forgery) -> str:
    words = (
        forgery.token,
        f"json.loads({_expression(forgery.claims)})",
        repr(forgery.expires_in_seconds),
        repr(forgery.algorithm),
        repr(forgery.signature),
        _expression(forgery.secret),
    )
    return f"forged({', '.join(words)})"


def _request(step: Step) -> str:
    if step.wire is not None:
        return f"send_bytes({_content(step.wire)})"
    headers = ", ".join(f"({name!r}, {_expression(value)})" for name, value in step.headers)
    words = [repr(step.exchange.method), _expression(step.target), f"[{headers}]"]
    if step.body is not None:
        words.append(_content(step.body))
    if step.exchange.chunked:
        words.append("chunked=True")
    return f"send({', '.join(words)})"


def _content(body: Text | bytes) -> str:
    if isinstance(body, bytes):
        return repr(body)
    text = _expression(body)
    return f"({text}).encode()" if " + " in text or " * " in text else f"{text}.encode()"


def _expression(text: Text) -> str:
    """A Python expression of the text."""
    return " + ".join(_part(part) for part in parts_of(text)) or "''"


def _part(part: str | Reference | Repeated) -> str:
    if isinstance(part, str):
        return ascii(part)
    if isinstance(part, Repeated):
        return f"{part[0]!a} * {part[1]}"
    stop = "" if part.stop is None else str(part.stop)
    cut = f"[{part.start or ''}:{stop}]" if part.start or part.stop is not None else ""
    return f"{part.name}{cut}{_CASES[part.case]}"


# what is asserted


def _assertion(story: Story, claim: Claim) -> Iterator[str]:
    seen = _reading(claim.reading)
    texts = [_expression(story.texts.get(text) or ((text,) if text else ())) for text in claim.texts]
    message = f"expected {story.expected}"
    if claim.relation == "is":
        condition = f"{seen} in ({', '.join(texts)},)" if len(texts) > 1 else f"{seen} == {texts[0]}"
    elif claim.relation == "same" and claim.other is not None:
        condition = f"{seen} == {_reading(claim.other)}"
    elif claim.relation == "within":
        condition = f"{claim.texts[0]} <= {seen} <= {claim.texts[1]}"
    elif claim.relation == "without":
        condition = f"{texts[0]} not in {seen}"
    else:
        condition = f"{'not ' if claim.relation == 'unlike' else ''}re.search({texts[0]}, {seen})"
    yield f"assert {condition}, {message!a}"


def _reading(reading: Reading) -> str:
    place = ", ".join(map(repr, reading.place))
    answer = f"a{reading.step}"
    if reading.kind == "status":
        return f"str({answer}.status)"
    if reading.kind == "text":
        return f"{answer}.everything()"
    if reading.since is not None:
        return f"lapse({_reading(reading.since)}, {answer}.member({place}))"
    return f"{answer}.{reading.kind}({place})"
