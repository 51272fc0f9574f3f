"""A story as a pytest file that needs nothing but pytest and the standard library."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adjourn_contract.proofs.commands import in_groups
from adjourn_contract.proofs.evidence import Claim, Reading
from adjourn_contract.proofs.quoting import Repeated, parts_of
from adjourn_contract.proofs.story import KEY, OTHER_KEY, RUN, Forgery, Made, Moment, Novelty, Step, Story
from adjourn_contract.proofs.texts import Reference, Text

__all__ = ["pytest_file"]

_CASES = {"same": "", "upper": ".upper()", "lower": ".lower()", "swapped": ".swapcase()"}
_SEND = '''
class Answer:
    def __init__(self, response):
        self.status = response.status if response else 0
        self.headers = dict((name.lower(), value) for name, value in response.getheaders()) if response else {}
        self.text = response.read().decode(errors="replace") if response else ""

    def header(self, name):
        return self.headers.get(name, "")

    def member(self, *place):
        """Canonical JSON of a member; empty where it is absent."""
        try:
            return json.dumps(found(json.loads(self.text), place), sort_keys=True)
        except (KeyError, IndexError, TypeError, ValueError):
            return ""

    def names(self, *place):
        value = json.loads(self.member(*place) or "{}")
        return json.dumps(sorted(value))

    def claims(self):
        parts = json.loads(self.text)["publicAccessToken"].split(".")[:2]
        header, payload = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in parts)
        return header | payload

    def claim(self, name):
        claims = self.claims()
        return json.dumps(claims[name], sort_keys=True) if name in claims else ""

    def lifetime(self):
        created = datetime.fromisoformat(json.loads(self.text)["createdAt"]).timestamp()
        return round(self.claims().get("exp", 0) - created)

    def everything(self):
        return str(self.headers) + self.text


def found(value, place):
    for number, name in enumerate(place):
        if name == "*":
            return [found(each, place[number + 1 :]) for each in value]
        value = value[name]
    return value


def connect():
    url = urlsplit(URL)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.hostname, url.port, timeout=30), url.path.rstrip("/")


def send(method, target, headers, body=None, chunked=False):
    connection, base = connect()
    try:
        connection.putrequest(method, base + target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode("latin-1", "replace"))
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        try:
            connection.endheaders()
            if body is not None:
                connection.send(b"%x\\r\\n%s\\r\\n0\\r\\n\\r\\n" % (len(body), body) if chunked else body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # The server answered before it had read all.
        return Answer(connection.getresponse())
    except (OSError, http.client.HTTPException):
        return Answer(None)
    finally:
        connection.close()
'''
_RAW = """
def send_bytes(content):
    connection, _ = connect()
    connection.connect()
    connection.sock.sendall(content)
    if not URL.startswith("https"):
        connection.sock.shutdown(socket.SHUT_WR)
    response = http.client.HTTPResponse(connection.sock)
    try:
        response.begin()
        return Answer(response)
    except (OSError, http.client.HTTPException):
        return Answer(None)
    finally:
        connection.close()
"""
_TOGETHER = '''
def together(*requests):
    """The answers to requests that are sent at once."""
    barrier = threading.Barrier(len(requests))

    def one(request):
        barrier.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(one, requests))
'''
_FORGED = '''
def forged(token, changes, expires_in_seconds, algorithm, signature, secret):
    """A token made from another one."""

    def encoded(raw):
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    head, payload, sign = token.split(".")
    if changes or expires_in_seconds is not None:
        claims = json.loads(base64.urlsafe_b64decode(payload + "==")) | changes
        if expires_in_seconds is not None:
            claims["exp"] = int(time.time()) + expires_in_seconds
        payload = encoded(json.dumps(claims).encode())
    if algorithm != "HS256" or signature == "signed":
        head = encoded(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    made = encoded(hmac.new(secret.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest())
    return f"{head}.{payload}." + {"signed": made, "none": "", "passed": sign, "tampered": made[::-1]}[signature]
'''
_DIGITS = """
def digits(count):
    return str(secrets.randbelow(10**count)).zfill(count)
"""
_MOMENT = '''
def moment(seconds, is_epoch):
    """A time so many seconds from now."""
    at = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return str(int(at.timestamp() * 1000)) if is_epoch else at.isoformat(timespec="milliseconds")[:23] + "Z"
'''
_LAPSE = '''
def lapse(start, end):
    """Seconds from one date-time to another."""
    first, last = (datetime.fromisoformat(json.loads(text)) for text in (start, end))
    return (last - first).total_seconds()
'''
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
        ("", _SEND),
        ("send_bytes(", _RAW),
        ("together(", _TOGETHER),
        ("forged(", _FORGED),
        ("digits(", _DIGITS),
        ("moment(", _MOMENT),
        ("lapse(", _LAPSE),
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
        repr(forgery.claims),
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
