"""A story as shell commands, for sh and bash, that send the requests again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from adjourn_contract.proofs.quoting import is_inline, pipe, word
from adjourn_contract.proofs.story import KEY, OTHER_KEY, RUN, Capture, Forgery, Made, Moment, Novelty, Step, Story
from adjourn_contract.proofs.texts import Reference, Text

__all__ = ["commands", "definitions", "in_groups", "steps_in_lines"]

_DIGITS = "od -An -N{bytes} -tu1 /dev/urandom | tr -dc 0-9 | cut -c 1-{digits}"
# Python sends what curl cannot: it is on every machine that has adjourn, and it speaks TLS; nc differs between
# systems, and /dev/tcp is bash's alone.
_RAW = (
    "import http.client, os, socket, ssl, sys; from urllib.parse import urlsplit; "
    'u = urlsplit(os.environ["TRIGGER_API_URL"]); t = u.scheme == "https"; '
    "s = socket.create_connection((u.hostname, u.port or (443 if t else 80)), 10); "
    "s = ssl.create_default_context().wrap_socket(s, server_hostname=u.hostname) if t else s; "
    "s.sendall(sys.stdin.buffer.read()); t or s.shutdown(1); a = http.client.HTTPResponse(s); a.begin(); "
    'print(f"HTTP/1.1 {a.status} {a.reason}\\r\\n{str(a.headers).strip()}\\r\\n\\r\\n{a.read().decode()}")'
)
_FORGE = (
    "import base64, hashlib, hmac, json, sys, time; token, changes, after, algorithm, how, secret = sys.argv[1:]; "
    "b = lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip(chr(61)); head, body, sign = token.split(chr(46)); "
    "claims = json.loads(base64.urlsafe_b64decode(body + chr(61) * 2)) | json.loads(changes); "
    'claims.update({"exp": int(time.time()) + int(after)} if after else {}); '
    "same = not after and not json.loads(changes); "
    'head = b(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()) if algorithm != "HS256" or how == "signed" '
    "else head; body = body if same else b(json.dumps(claims).encode()); "
    'made = b(hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()); '
    'print(f"{head}.{body}." + {"signed": made, "none": "", "passed": sign, "tampered": made[::-1]}[how])'
)

# Before a longer body, curl asks whether it may send it.
_EXPECTING_BYTES = 1024


def commands(story: Story) -> list[str]:
    """The lines to paste.

    They ask for the keys by name and create what they need, so that they can be pasted again.
    Answers go to the terminal and to files in a new folder.
    """
    lines = [f"export TRIGGER_API_URL={shlex.quote(story.url)}", *definitions(story)]
    shown = list(steps_in_lines(story))
    if story.rounds > 1:
        return [*lines, f"for ROUND in $(seq {story.rounds}); do", *(f"  {line}" for line in shown), "done"]
    return [*lines, *shown]


def definitions(story: Story) -> Iterator[str]:
    """Keys that are demanded, functions, and the folder of the answers."""
    used = story.names
    for key in (KEY, OTHER_KEY):
        if key in used or f"{key}_BASIC" in used:
            yield f': "${{{key}:?}}"'
        if f"{key}_BASIC" in used:
            yield f"{key}_BASIC=$(printf '%s:' \"${key}\" | base64 | tr -d '\\n')"
    if any(step.wire is not None for step in story.steps):
        yield f"raw() {{ python3 -c {shlex.quote(_RAW)}; }}"
    if any(isinstance(each, Forgery) for step in story.steps for each in step.made):
        yield f'forge() {{ python3 -c {shlex.quote(_FORGE)} "$@"; }}'
    yield "T=$(mktemp -d)"


def steps_in_lines(story: Story) -> Iterator[str]:
    """The requests, one line each; those that overlap run side by side until all have been answered."""
    if RUN in story.names:
        yield f"RUN=$({_random(len(story.run))})"
    for group in in_groups(story.steps):
        for step in group:
            if step.wait_seconds:
                yield f"sleep {step.wait_seconds:g}"
            for each in step.made:
                yield _making(each)
        if len(group) == 1:
            yield f'{_request(group[0])} | tee "$T/{group[0].number}"'
        else:
            yield from (f'{_request(step)} > "$T/{step.number}" &' for step in group)
            yield "wait"
            yield "cat " + " ".join(f'"$T/{step.number}"' for step in group)
        for step in group:
            for capture in step.captures:
                yield _capturing(step, capture)


def in_groups(steps: Sequence[Step]) -> list[list[Step]]:
    """The steps, those that overlap together."""
    groups: list[list[Step]] = []
    for step in steps:
        if step.is_beside_last and groups:
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def _random(digits: int) -> str:
    return _DIGITS.format(bytes=digits + 8, digits=digits)


def _making(made: Made) -> str:
    if isinstance(made, Novelty):
        return f"{made.name}=$({_random(made.digits)})"
    if isinstance(made, Moment):
        shape = "int(t.timestamp() * 1000)" if made.is_epoch else "t.isoformat(timespec='milliseconds')[:23] + 'Z'"
        moment = f"t = datetime.now(timezone.utc) + timedelta(seconds={made.seconds:g})"
        program = f"from datetime import datetime, timedelta, timezone; {moment}; print({shape})"
        return f'{made.name}=$(python3 -c "{program}")'
    return _forging(made)


def _forging(forgery: Forgery) -> str:
    after = "" if forgery.expires_in_seconds is None else str(forgery.expires_in_seconds)
    words = [
        f'"${forgery.token}"',
        word(forgery.claims),
        shlex.quote(after),
        shlex.quote(forgery.algorithm),
        forgery.signature,
        word(forgery.secret),
    ]
    return f"{forgery.name}=$(forge {' '.join(words)})"


def _request(step: Step) -> str:
    if step.wire is not None:
        return f"{pipe(step.wire)} | raw"
    exchange = step.exchange
    words = [r"curl -sS -i --path-as-is -g -w '\n'"]
    has_body = step.body is not None
    if exchange.method == "HEAD":
        words.append("-I")
    elif exchange.method != ("POST" if has_body else "GET"):
        words.append(f"-X {exchange.method}")
    words.append(word((Reference("TRIGGER_API_URL"), *step.target)))
    words += [f"-H {word(_header(name, value))}" for name, value in step.headers]
    if exchange.chunked:
        words.append("-H 'Transfer-Encoding: chunked'")
    if not has_body:
        return " ".join(words)
    if not any(name.lower() == "content-type" for name, _ in step.headers):
        words.append("-H 'Content-Type:'")
    body = step.body or ()
    if exchange.chunked or len(exchange.body or b"") > _EXPECTING_BYTES:
        words.append("-H 'Expect:'")
    # What starts with @ is a file name to --data; --data-raw takes it as it is.
    if is_inline(body) and not isinstance(body, bytes):
        return " ".join([*words, f"--data-raw {word(body)}"])
    return f"{pipe(body)} | {' '.join([*words, '--data-binary @-'])}"


def _header(name: str, value: Text) -> Text:
    """As curl takes it: a header without a value ends with a semicolon."""
    if not value or all(isinstance(part, str) and not part.strip() for part in value):
        return (f"{name};",)
    return (f"{name}: ", *value) if not isinstance(value[0], str) else (f"{name}: {value[0]}", *value[1:])


def _capturing(step: Step, capture: Capture) -> str:
    """A member of an answer; the members that are read are the first of their name in it."""
    pattern = f'"{capture.place[-1]}" *: *"[^"]*"'
    reading = f"grep -o '{pattern}' \"$T/{step.number}\" | head -n 1 | cut -d '\"' -f 4"
    return f"{capture.name}=$({reading})"
