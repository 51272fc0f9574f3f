"""A story as a shell script that asserts what a lawful server's answers satisfy."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping

from adjourn_contract.proofs.commands import definitions, steps_in_lines
from adjourn_contract.proofs.evidence import Claim, Evidence, Reading
from adjourn_contract.proofs.quoting import word
from adjourn_contract.proofs.story import Story

__all__ = ["script"]

_STATUS = """status() { sed -n '1s/^HTTP[^ ]* \\([0-9]*\\).*/\\1/p' "$T/$1" | grep . || echo 0; }"""
_LOOK = r"""
import base64, hmac, json, os, pathlib, sys
from datetime import datetime

folder, *readings = sys.argv[1:]

def answer(step):
    head, _, body = pathlib.Path(folder, step).read_bytes().partition(b"\r\n\r\n")
    return head.decode(errors="replace"), body.decode(errors="replace").rstrip("\n")

def found(value, place):
    for number, name in enumerate(place):
        if name == "*":
            return [found(each, place[number + 1:]) for each in value]
        value = value[name if isinstance(value, dict) else int(name)]
    return value

def member(step, place):
    return found(json.loads(answer(step)[1]), json.loads(place))

def read(kind, *words):
    if kind == "header":
        lines = (line.partition(":") for line in answer(words[0])[0].splitlines())
        return next((value.strip() for name, _, value in lines if name.lower() == words[1]), "")
    if kind == "lapse":
        start, end = (datetime.fromisoformat(member(*words[each:each + 2])) for each in (2, 0))
        return (end - start).total_seconds()
    if kind in ("claim", "lifetime"):
        row = json.loads(answer(words[0])[1])
        claims = {}
        for part in row["publicAccessToken"].split(".")[:2]:
            claims.update(json.loads(base64.urlsafe_b64decode(part + "==")))
        if kind == "claim":
            return json.dumps(found(claims, json.loads(words[1])), sort_keys=True)
        return round(claims["exp"] - datetime.fromisoformat(row["createdAt"]).timestamp())
    if kind == "signature":
        content, _, sign = json.loads(answer(words[0])[1])["publicAccessToken"].rpartition(".")
        made = hmac.digest(os.environ["TRIGGER_SECRET_KEY"].encode(), content.encode(), "sha256")
        return "own" if sign == base64.urlsafe_b64encode(made).decode().rstrip("=") else "another"
    if kind == "records":
        body = answer(words[0])[1]
        events = [line[6:] for line in body.splitlines() if line.startswith("data: {")]
        records = [record for event in events or [body] for record in json.loads(event)["records"]]
        bodies = [record if "data" in record else json.loads(record["body"] or "{}") for record in records]
        return json.dumps([body["data"] for body in bodies if body.get("data")], sort_keys=True)
    value = member(*words)
    return json.dumps(sorted(value) if kind == "names" else value, sort_keys=True)

for reading in readings:
    try:
        print(read(*reading.split("\t")))
    except (KeyError, IndexError, TypeError, ValueError):
        print()
"""


def script(story: Story, statement: str) -> str | None:
    """A script whose exit code is 0 where the answers satisfy the clause, 1 where they do not, 2 where it cannot run.

    Args:
        story: the steps and the evidence.
        statement: the clause in words.

    Returns None where the story has no evidence that a program can check.
    """
    if story.evidence is None:
        return None
    # Standard output is the answers; what they show is said on standard error.
    play = [*steps_in_lines(story), *_captured(story)]
    names = _names(story.evidence)
    end = [*_looking(names), *(_assertion(story, claim, names) for claim in story.evidence.claims)]
    body = [f"for ROUND in $(seq {story.rounds}); do", *play, *end, "done"] if story.rounds > 1 else [*play, *end]
    return "\n".join(
        [
            "#!/bin/sh",
            *(f"# {line}" for line in _heading(story, statement)),
            f': "${{TRIGGER_API_URL:={story.url}}}"',
            "export TRIGGER_API_URL",
            *definitions(story),
            *_readers(story.evidence),
            f"EXPECTED={shlex.quote(story.expected)}",
            'failed() { echo "' + story.clause + ': expected $EXPECTED, got $1" >&2; exit 1; }',
            *body,
            f'echo "{story.clause}: passed" >&2',
            "",
        ]
    )


def _heading(story: Story, statement: str) -> Iterator[str]:
    for line in (f"{story.clause}: {statement}", f"Expected {story.expected}", f"Got {story.got}"):
        yield " ".join(line.split())
    yield "Exit code: 0 the clause passes, 1 it fails, 2 the requests cannot be sent."


def _readers(evidence: Evidence) -> Iterator[str]:
    readings = [reading for claim in evidence.claims for reading in (claim.reading, claim.other) if reading]
    if any(reading.kind == "status" for reading in readings):
        yield _STATUS
    if any(reading.kind not in ("status", "text") for reading in readings):
        yield f'look() {{ python3 -c {shlex.quote(_LOOK)} "$T" "$@"; }}'


def _captured(story: Story) -> Iterator[str]:
    for step in story.steps:
        for capture in step.captures:
            missing = f"step {step.number} gave no {capture.place[-1]}"
            yield f'[ -n "${capture.name}" ] || {{ echo "{missing}" >&2; exit 2; }}'


def _assertion(story: Story, claim: Claim, names: Mapping[Reading, str]) -> str:
    seen = _seen(claim.reading, names)
    texts = [word(story.texts.get(text) or (text,)) if text else "''" for text in claim.texts]
    shown = f'"{seen}"'
    if claim.relation == "is":
        condition = " || ".join(f'[ "{seen}" = {text} ]' for text in texts)
        condition = f"{{ {condition}; }}" if len(texts) > 1 else condition
    elif claim.relation == "same" and claim.other is not None:
        condition = f'[ "{seen}" = "{_seen(claim.other, names)}" ]'
    elif claim.relation == "within":
        condition = (
            f'echo "{seen}" | awk \'{{ exit !($1 != "" && {claim.texts[0]} <= $1 && $1 <= {claim.texts[1]}) }}\''
        )
    elif claim.relation == "without":
        condition, shown = f'! grep -qF -- {texts[0]} "$T/{claim.reading.step}"', '"the text in the answer"'
    else:
        condition = f"printf '%s\\n' \"{seen}\" | grep -qE -- {texts[0]}"
        condition = f"! {{ {condition}; }}" if claim.relation == "unlike" else condition
    return f"{condition} || failed {shown}"


def _names(evidence: Evidence) -> Mapping[Reading, str]:
    """A variable for each reading that Python takes from an answer."""
    names: dict[Reading, str] = {}
    for claim in evidence.claims:
        for reading in (claim.reading, claim.other):
            if reading is not None and reading.kind not in ("status", "text") and reading not in names:
                words = [str(part) for part in reading.place if re.fullmatch("[A-Za-z]+", str(part))]
                names[reading] = f"SEEN{len(names) + 1}_{words[-1] if words else reading.kind}"
    return names


def _looking(names: Mapping[Reading, str]) -> Iterator[str]:
    """The lines that set the variables, with Python once."""
    if names:
        words = " ".join(f'"$(printf {shlex.quote(_words(reading))})"' for reading in names)
        yield f"SEEN=$(look {words})"
    for number, name in enumerate(names.values(), 1):
        yield f"{name}=$(printf '%s\\n' \"$SEEN\" | sed -n {number}p)"


def _words(reading: Reading) -> str:
    """A reading as the words of the look function, tabs between them, as printf takes it."""
    words = [reading.kind, str(reading.step)]
    if reading.kind == "header":
        words.append(str(reading.place[0]).lower())
    elif reading.kind != "lifetime":
        words.append(_place(reading))
    if reading.since is not None:
        words += [str(reading.since.step), _place(reading.since)]
    return r"\t".join(words)


def _seen(reading: Reading, names: Mapping[Reading, str]) -> str:
    """The shell's expansion of what was read."""
    if reading.kind == "status":
        return f"$(status {reading.step})"
    return f'$(cat "$T/{reading.step}")' if reading.kind == "text" else f"${names[reading]}"


def _place(reading: Reading) -> str:
    return json.dumps(list(reading.place))
