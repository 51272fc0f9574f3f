"""Functions that a written pytest file has where it uses them, as text."""

from __future__ import annotations

__all__ = ["DIGITS", "FORGED", "LAPSE", "MOMENT", "RAW", "SEND", "TOGETHER"]

SEND = '''
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

    def signature(self):
        """Whose key has made the token: `own` or `another`."""
        content, _, sign = json.loads(self.text)["publicAccessToken"].rpartition(".")
        made = hmac.digest(os.environ["TRIGGER_SECRET_KEY"].encode(), content.encode(), "sha256")
        return "own" if sign == base64.urlsafe_b64encode(made).decode().rstrip("=") else "another"

    def records(self):
        """What the records of a channel carry; empty where there are none."""
        events = [line[6:] for line in self.text.splitlines() if line.startswith("data: {")]
        try:
            records = [record for event in events or [self.text] for record in json.loads(event)["records"]]
            bodies = [record if "data" in record else json.loads(record["body"] or "{}") for record in records]
            return json.dumps([body["data"] for body in bodies if body.get("data")], sort_keys=True)
        except (KeyError, TypeError, ValueError):
            return ""

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
RAW = """
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
TOGETHER = '''
def together(*requests):
    """The answers to requests that are sent at once."""
    barrier = threading.Barrier(len(requests))

    def one(request):
        barrier.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(one, requests))
'''
FORGED = '''
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
DIGITS = """
def digits(count):
    return str(secrets.randbelow(10**count)).zfill(count)
"""
MOMENT = '''
def moment(seconds, is_epoch):
    """A time so many seconds from now."""
    at = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return str(int(at.timestamp() * 1000)) if is_epoch else at.isoformat(timespec="milliseconds")[:23] + "Z"
'''
LAPSE = '''
def lapse(start, end):
    """Seconds from one date-time to another."""
    first, last = (datetime.fromisoformat(json.loads(text)) for text in (start, end))
    return (last - first).total_seconds()
'''
