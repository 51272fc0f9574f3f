"""The Sessions API in Flask, written from the contract alone: a lawful server that no check may accuse.

Stock: Werkzeug's router, its server with a thread for each request, `request.authorization`, `request.get_json`,
`max_content_length`, jsonschema_rs for bodies, PyJWT. Answers of its own in the grey zones: `bearer` in any
letter case, 415 for a media type that is not JSON, 400 for every body that breaks a rule, unknown members are kept,
any dates that `fromisoformat` takes. Errors are problem details. It has neither list nor update.

`python flask_server.py` prints its URL and serves until it is stopped.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import unquote

import jsonschema_rs
import jwt
from flask import Flask, Response, abort, jsonify, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.serving import WSGIRequestHandler, make_server

KEYS = {"tr_dev_lawful": "env_dev", "tr_stg_lawful": "env_stg"}
ISSUER, AUDIENCE = "https://id.trigger.dev", "https://api.trigger.dev"
MACHINES = ["micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x"]
TAGS = {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 128}}
TRIGGER_CONFIG = {
    "type": "object",
    "required": ["basePayload"],
    "properties": {
        "basePayload": {"type": "object"},
        "machine": {"enum": MACHINES},
        "queue": {"type": "string", "maxLength": 128},
        "tags": TAGS,
        "maxAttempts": {"type": "integer", "minimum": 1, "maximum": 10},
        "maxDuration": {"type": "integer", "minimum": 1},
        "lockToVersion": {"type": "string"},
        "region": {"type": "string"},
        "idleTimeoutInSeconds": {"type": "integer", "minimum": 1, "maximum": 3600},
    },
}
CREATE = jsonschema_rs.validator_for(
    {
        "type": "object",
        "required": ["type", "taskIdentifier", "triggerConfig"],
        "properties": {
            "type": {"type": "string", "minLength": 1, "maxLength": 64},
            "taskIdentifier": {"type": "string", "minLength": 1, "maxLength": 128},
            "externalId": {"type": "string", "maxLength": 256},
            "triggerConfig": TRIGGER_CONFIG,
            "tags": TAGS,
            "metadata": {"type": "object"},
            "expiresAt": {"type": "string"},
        },
    }
)
CLOSE = jsonschema_rs.validator_for({"type": "object", "properties": {"reason": {"type": "string", "maxLength": 256}}})

lock = threading.Lock()
sessions: dict[str, list[dict[str, Any]]] = {key: [] for key in KEYS}
app = Flask(__name__)


class StrictJSON(DefaultJSONProvider):
    """JSON as RFC 8259 has it: in UTF-8, without NaN and Infinity."""

    def loads(self, text: str | bytes, **options: Any) -> Any:
        def refuse(constant: str) -> NoReturn:
            raise ValueError(f"{constant} is not JSON")

        text = text.decode("utf-8") if isinstance(text, bytes) else text  # json.loads would take UTF-16 too
        return json.loads(text, parse_constant=refuse, **options)


app.json = StrictJSON(app)


@app.errorhandler(HTTPException)
def problem(error: HTTPException) -> Response:
    response = error.get_response()
    response.data = json.dumps({"title": error.name, "status": error.code, "error": error.description})
    response.content_type = "application/problem+json"
    return response


@app.errorhandler(RecursionError)
def too_deep(error: RecursionError) -> tuple[Response, int]:
    return jsonify(error="The JSON is nested too deeply"), 400


def authenticate() -> tuple[str, list[str] | None]:
    """The key of the environment, and the scopes of a public access token (None for the key itself)."""
    sent = request.authorization
    if sent is None or sent.type != "bearer" or not sent.token:
        abort(401, "A bearer token is required")
    if sent.token in KEYS:
        return sent.token, None
    for key, environment in KEYS.items():
        try:
            claims = jwt.decode(sent.token, key, ["HS256"], audience=AUDIENCE, issuer=ISSUER, subject=environment)
        except jwt.InvalidTokenError:
            continue
        if claims.get("pub") is True:
            return key, claims.get("scopes", [])
    return abort(401, "The token is not valid")


def secret_key() -> str:
    key, scopes = authenticate()
    if scopes is not None:
        abort(403, "A public access token cannot do this")
    return key


def body(validator: Any, limit_bytes: int, *, required: bool) -> dict[str, Any]:
    # Werkzeug cuts a chunked body at max_content_length and refuses it only beyond that.
    request.max_content_length = limit_bytes + 1
    content = request.get_data()
    if len(content) > limit_bytes:
        abort(413, f"At most {limit_bytes} bytes")
    value = request.get_json() if content or required else {}
    error = next(validator.iter_errors(value), None)
    if error is not None:
        abort(400, error.message)
    return value


def status_of(row: dict[str, Any]) -> str:
    if row["closedAt"]:
        return "CLOSED"
    return "EXPIRED" if row["expiresAt"] and datetime.fromisoformat(row["expiresAt"]) <= datetime.now(UTC) else "OPEN"


def now() -> str:
    return datetime.now(UTC).isoformat()


def instant(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        abort(400, f"{text!r} is not a date")
    if at.tzinfo is None:
        abort(400, f"{text!r} has no offset")
    return at.isoformat()


def found(key: str, encoded: str) -> dict[str, Any]:
    try:
        name = unquote(encoded, errors="strict")
    except UnicodeDecodeError:
        abort(400, "The path is not percent-encoded UTF-8")
    member = "id" if name.startswith("session_") else "externalId"
    row = next((row for row in sessions[key] if row[member] == name), None)
    return row if row is not None else abort(404, "There is no such session")


def public_access_token(key: str, row: dict[str, Any]) -> str:
    names = [name for name in (row["id"], row["externalId"]) if name is not None]
    claims = {
        "sub": KEYS[key],
        "pub": True,
        "scopes": [f"{verb}:sessions:{name}" for verb in ("read", "write") for name in names],
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": datetime.now(UTC),
        "exp": datetime.now(UTC) + timedelta(hours=1),
    }
    return jwt.encode(claims, key, "HS256")


def new_row(sent: dict[str, Any]) -> dict[str, Any]:
    at = now()
    return {
        "id": f"session_{secrets.token_urlsafe(12)}",
        "externalId": sent.get("externalId"),
        "type": sent["type"],
        "taskIdentifier": sent["taskIdentifier"],
        "triggerConfig": sent["triggerConfig"],
        "currentRunId": f"run_{secrets.token_hex(12)}",
        "tags": sent.get("tags", []),
        "metadata": sent.get("metadata"),
        "closedAt": None,
        "closedReason": None,
        "expiresAt": instant(sent["expiresAt"]) if "expiresAt" in sent else None,
        "createdAt": at,
        "updatedAt": at,
    }


@app.post("/api/v1/sessions")
def create() -> tuple[Response, int]:
    key = secret_key()
    sent = body(CREATE, 32768, required=True)
    if "externalId" in sent:
        sent["externalId"] = sent["externalId"].strip()
        if not sent["externalId"] or sent["externalId"].startswith("session_"):
            abort(400, "externalId must not be empty or look like a friendly id")
    with lock:
        named = (row for row in sessions[key] if "externalId" in sent and row["externalId"] == sent["externalId"])
        row = next(named, None)
        cached = row is not None
        if row is None:
            row = new_row(sent)
            sessions[key].append(row)
        elif status_of(row) != "OPEN":
            abort(409, f"The session is {status_of(row).lower()}")
        else:
            row |= {"triggerConfig": sent["triggerConfig"], "updatedAt": now()}
        more = {"runId": row["currentRunId"], "isCached": cached, "publicAccessToken": public_access_token(key, row)}
        return jsonify(row | more), 200 if cached else 201


@app.get("/api/v1/sessions/<session>")
def retrieve(session: str) -> Response:
    key, scopes = authenticate()
    with lock:
        row = found(key, session)
        granted = {"read:sessions", f"read:sessions:{row['id']}", f"read:sessions:{row['externalId']}"}
        if scopes is not None and granted.isdisjoint(scopes):
            abort(403, "The token does not name this session")
        return jsonify(row)


@app.post("/api/v1/sessions/<session>/close")
def close(session: str) -> Response:
    key = secret_key()
    reason = body(CLOSE, 1024, required=False).get("reason")
    with lock:
        row = found(key, session)
        if row["closedAt"] is None:
            at = now()
            row |= {"closedAt": at, "updatedAt": at, "closedReason": reason}
        return jsonify(row)


class KeepAlive(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing for a request."""


def as_sent(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Route on the path as it was sent, so that %2F is part of an id; `found` decodes it.

    Werkzeug ignores the letter case of methods, which counts (RFC 9110, 9.1).
    """
    if environ["REQUEST_METHOD"] != environ["REQUEST_METHOD"].upper():
        return MethodNotAllowed(description="Methods are in upper case")(environ, start_response)
    environ["PATH_INFO"] = environ["REQUEST_URI"].partition("?")[0]
    return app(environ, start_response)


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, as_sent, threaded=True, request_handler=KeepAlive)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
