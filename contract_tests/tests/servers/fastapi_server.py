"""The Sessions API in FastAPI, written from the contract alone: a lawful server that no check may accuse.

Stock: the router and its 405, HTTPBearer, pydantic's models, its JSON parser and datetimes, Query parameters with
aliases, PyJWT, uvicorn. Answers of its own in the grey zones: `bearer` in any letter case, 422 for bodies that break
a rule, unknown members of triggerConfig are dropped, a redirect from a path with a slash at its end.

`python fastapi_server.py` prints its URL and serves until it is stopped.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import from_json
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import Receive, Scope, Send

KEYS = {"tr_dev_lawful": "env_dev", "tr_stg_lawful": "env_stg"}
ISSUER, AUDIENCE = "https://id.trigger.dev", "https://api.trigger.dev"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def not_friendly(value: str) -> str:
    if value.startswith("session_"):
        raise ValueError("must not look like a friendly id")
    return value


def whole(value: Any) -> Any:
    """2.0 is an integer in JSON Schema, which pydantic's strict mode refuses."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Tags = Annotated[list[Annotated[str, Field(max_length=128)]], Field(max_length=10)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256), AfterValidator(not_friendly)
]
Epoch = Annotated[int | None, Query(ge=0, le=8_640_000_000_000_000)]
Machine = Literal["micro", "small-1x", "small-2x", "medium-1x", "medium-2x", "large-1x", "large-2x"]


# Pydantic does not validate a default: a member may be absent, while null is refused.
class TriggerConfig(BaseModel, strict=True):
    basePayload: dict[str, Any]
    machine: Machine = None
    queue: Annotated[str, Field(max_length=128)] = None
    tags: Tags = None
    maxAttempts: Annotated[int, Field(ge=1, le=10), BeforeValidator(whole)] = None
    maxDuration: Annotated[int, Field(ge=1), BeforeValidator(whole)] = None
    lockToVersion: str = None
    region: str = None
    idleTimeoutInSeconds: Annotated[int, Field(ge=1, le=3600), BeforeValidator(whole)] = None


class CreateSession(BaseModel, strict=True):
    type: Annotated[str, Field(min_length=1, max_length=64)]
    taskIdentifier: Annotated[str, Field(min_length=1, max_length=128)]
    triggerConfig: TriggerConfig
    externalId: Name = None
    tags: Tags = []
    metadata: dict[str, Any] = None
    expiresAt: AwareDatetime = None


class UpdateSession(BaseModel, strict=True):
    tags: Tags = None
    metadata: dict[str, Any] | None = None
    externalId: str | None = None


class CloseSession(BaseModel, strict=True):
    reason: Annotated[str, Field(max_length=256)] = None


class Session(BaseModel):
    id: str
    externalId: str | None
    type: str
    taskIdentifier: str
    triggerConfig: dict[str, Any]
    currentRunId: str | None
    tags: list[str]
    metadata: dict[str, Any] | None
    closedAt: datetime | None = None
    closedReason: str | None = None
    expiresAt: datetime | None
    createdAt: datetime
    updatedAt: datetime

    @property
    def status(self) -> str:
        if self.closedAt:
            return "CLOSED"
        return "EXPIRED" if self.expiresAt and self.expiresAt <= datetime.now(UTC) else "ACTIVE"


class Caller(BaseModel):
    key: str
    scopes: list[str] | None = None  # None: the secret key itself


numbers = count(1)
sessions: dict[str, dict[str, Session]] = {key: {} for key in KEYS}  # by key, then by friendly id, oldest first
app = FastAPI()
bearer = HTTPBearer(auto_error=False)


@app.exception_handler(StarletteHTTPException)
async def refused(request: Request, error: StarletteHTTPException) -> Response:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


@app.exception_handler(RequestValidationError)
async def invalid_query(request: Request, error: RequestValidationError) -> Response:
    return JSONResponse({"error": "invalid query", "issues": [issue["msg"] for issue in error.errors()]}, 400)


def caller(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Caller:
    if credentials is None:
        raise HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})
    if credentials.credentials in KEYS:
        return Caller(key=credentials.credentials)
    for key, environment in KEYS.items():
        try:
            claims = jwt.decode(credentials.credentials, key, ["HS256"], audience=AUDIENCE, issuer=ISSUER)
        except jwt.InvalidTokenError:
            continue
        if claims.get("sub") == environment and claims.get("pub") is True:
            return Caller(key=key, scopes=claims.get("scopes", []))
    raise HTTPException(401, "Invalid credentials", {"WWW-Authenticate": "Bearer"})


def secret(who: Annotated[Caller, Depends(caller)]) -> str:
    if who.scopes is not None:
        raise HTTPException(403, "A public access token cannot do this")
    return who.key


Key = Annotated[str, Depends(secret)]


def body(model: type[BaseModel], limit_bytes: int, invalid_status: int) -> Callable[..., Any]:
    """A dependency and no Body() parameter, which FastAPI would parse before it looks at the credentials."""

    async def parsed(request: Request, key: Key) -> Any:
        raw = b""
        async for part in request.stream():
            raw += part
            if len(raw) > limit_bytes:
                raise HTTPException(413, f"At most {limit_bytes} bytes")
        if model is CloseSession:
            raw = raw or b"{}"
        try:
            value = from_json(raw, allow_inf_nan=False)
        except ValueError as error:
            raise HTTPException(400, f"Not JSON: {error}") from None
        if not isinstance(value, dict):
            raise HTTPException(400, "Not a JSON object")
        try:
            return model.model_validate_json(raw)
        except ValidationError as error:
            raise HTTPException(invalid_status, str(error)) from None

    return Depends(parsed)


def found(key: str, encoded: str) -> Session:
    try:
        name = unquote(encoded, errors="strict")
    except UnicodeDecodeError:
        raise HTTPException(400, "Not percent-encoded UTF-8") from None
    rows = sessions[key]
    row = rows.get(name) if name.startswith("session_") else by_name(key, name)
    if row is None:
        raise HTTPException(404, f"There is no session {name!r}")
    return row


def by_name(key: str, name: str) -> Session | None:
    return next((row for row in sessions[key].values() if row.externalId == name), None)


@app.post("/api/v1/sessions")
async def create(key: Key, sent: Annotated[CreateSession, body(CreateSession, 32768, 422)]) -> Response:
    now = datetime.now(UTC)
    config = sent.triggerConfig.model_dump(exclude_unset=True)
    row = by_name(key, sent.externalId) if sent.externalId else None
    cached = row is not None
    if row is not None:
        if row.status != "ACTIVE":
            raise HTTPException(409, f"Session {sent.externalId} is {row.status.lower()}")
        row.triggerConfig, row.updatedAt = config, now
    else:
        number = next(numbers)
        row = Session(
            **sent.model_dump(exclude={"triggerConfig"}),
            triggerConfig=config,
            id=f"session_{number:08}",
            currentRunId=f"run_{number:08}",
            createdAt=now,
            updatedAt=now,
        )
        sessions[key][row.id] = row
    names = [row.id] + ([row.externalId] if row.externalId else [])
    claims = {
        "sub": KEYS[key],
        "pub": True,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + timedelta(hours=1),
    }
    claims["scopes"] = [f"{verb}:sessions:{name}" for verb in ("read", "write") for name in names]
    more = {"runId": row.currentRunId, "isCached": cached, "publicAccessToken": jwt.encode(claims, key)}
    return JSONResponse(row.model_dump(mode="json") | more, 200 if cached else 201)


@app.get("/api/v1/sessions/{session}")
async def retrieve(session: str, who: Annotated[Caller, Depends(caller)]) -> Session:
    row = found(who.key, session)
    granted = {"read:sessions", f"read:sessions:{row.id}", f"read:sessions:{row.externalId}"}
    if who.scopes is not None and not granted & set(who.scopes):
        raise HTTPException(403, "The token does not name this session")
    return row


@app.patch("/api/v1/sessions/{session}")
async def update(session: str, key: Key, sent: Annotated[UpdateSession, body(UpdateSession, 32768, 400)]) -> Session:
    row = found(key, session)
    changes = sent.model_dump(exclude_unset=True)
    if changes.pop("externalId", row.externalId) != row.externalId:
        raise HTTPException(422, "The externalId of a session cannot be changed")
    if changes:
        for name, value in changes.items():
            setattr(row, name, value)
        row.updatedAt = datetime.now(UTC)
    return row


@app.post("/api/v1/sessions/{session}/close")
async def close(session: str, key: Key, sent: Annotated[CloseSession, body(CloseSession, 1024, 422)]) -> Session:
    row = found(key, session)
    if row.closedAt is None:
        row.closedAt = row.updatedAt = datetime.now(UTC)
        row.closedReason = sent.reason
    return row


@app.get("/api/v1/sessions")
async def list_sessions(
    key: Key,
    size: Annotated[int, Query(alias="page[size]", ge=1, le=100)] = 20,
    after: Annotated[str | None, Query(alias="page[after]")] = None,
    before: Annotated[str | None, Query(alias="page[before]")] = None,
    kind: Annotated[str | None, Query(alias="filter[type]")] = None,
    task: Annotated[str | None, Query(alias="filter[taskIdentifier]")] = None,
    tags: Annotated[str | None, Query(alias="filter[tags]")] = None,
    name: Annotated[str | None, Query(alias="filter[externalId]")] = None,
    status: Annotated[str | None, Query(alias="filter[status]", pattern="^(ACTIVE|CLOSED|EXPIRED|,)+$")] = None,
    period: Annotated[str | None, Query(alias="filter[createdAt][period]", pattern="^[0-9]{1,6}[smhdw]$")] = None,
    start: Annotated[Epoch, Query(alias="filter[createdAt][from]")] = None,
    end: Annotated[Epoch, Query(alias="filter[createdAt][to]")] = None,
) -> dict[str, Any]:
    now = datetime.now(UTC)

    def matches(row: Session) -> bool:
        created = row.createdAt.timestamp()
        return (
            (kind is None or row.type in kind.split(","))
            and (task is None or row.taskIdentifier in task.split(","))
            and (tags is None or bool(set(row.tags) & set(tags.split(","))))
            and (name is None or row.externalId == name)
            and (status is None or row.status in status.split(","))
            and (period is None or created >= now.timestamp() - int(period[:-1]) * UNITS[period[-1]])
            and (start is None or created * 1000 >= start)
            and (end is None or created * 1000 <= end)
        )

    rows = [row for row in reversed(sessions[key].values()) if matches(row)]
    if after is not None and before is not None:
        raise HTTPException(400, "Give page[after] or page[before], not both")
    # Friendly ids grow, so that an id is a place in the list, whether or not its row matches.
    if before is not None:
        page = [row for row in rows if row.id > before][-size:]
    else:
        page = [row for row in rows if after is None or row.id < after][:size]
    pagination = {}
    if page and page[-1] is not rows[-1]:
        pagination["next"] = page[-1].id
    if page and page[0] is not rows[0]:
        pagination["previous"] = page[0].id
    return {"data": [row.model_dump(mode="json", exclude={"triggerConfig"}) for row in page], "pagination": pagination}


async def with_raw_paths(scope: Scope, receive: Receive, send: Send) -> None:
    """Route on the path as it was sent, so that %2F is part of an id; `found` decodes it."""
    if scope["type"] == "http":
        scope["path"] = scope["raw_path"].decode("latin-1")
    await app(scope, receive, send)


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(with_raw_paths, log_level="warning")).run(sockets=[listening])
