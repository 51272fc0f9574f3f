"""The operations that the sequential model knows, and the requests that carry them out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from adjourn_contract.engine.target import Target

__all__ = ["REFUSALS", "Form", "Kind", "Operation", "Refusal", "Request", "Session", "request_of"]


class Kind(StrEnum):
    """What is done to a session."""

    CREATE = "create"
    CLOSE = "close"
    UPDATE = "update"
    RETRIEVE = "retrieve"
    LIST = "list"
    EXPIRE = "expiry"
    REFUSED = "refused"


class Form(StrEnum):
    """The form of id in the path."""

    FRIENDLY = "id"
    EXTERNAL = "externalId"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that the server MUST refuse.

    Attributes:
        name: in words.
        clause: that asks for the refusal; `effect_clause` forbids any effect.
        method, body: of the request to the close path.
        is_foreign: whether it carries an unknown key.
    """

    name: str
    clause: str
    effect_clause: str
    method: str = "POST"
    body: bytes | None = b"{}"
    is_foreign: bool = False


REFUSALS = {
    refusal.name: refusal
    for refusal in (
        Refusal("a malformed body", "body.malformed", "body.no-effect", body=b"{"),
        Refusal("an unknown key", "auth.unknown-key", "auth.no-effect", is_foreign=True),
        Refusal("another method", "close.method", "close.method", method="DELETE", body=None),
        Refusal("a reason that is null", "reason.type", "body.no-effect", body=b'{"reason":null}'),
    )
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on one session.

    Attributes:
        by: the form of id in the path.
        reason: of a close, None for a close without one.
        tags: of an update.
        payload: of a create, part of its triggerConfig.
        status: the status that a list filters by.
        refusal: the name of a refused request.
    """

    kind: Kind
    by: Form = Form.FRIENDLY
    reason: str | None = None
    tags: tuple[str, ...] = ()
    payload: str = ""
    status: str = ""
    refusal: str = ""

    @property
    def words(self) -> str:
        """The operation in a few words, for a report."""
        if self.kind is Kind.CREATE:
            return "create with the externalId"
        if self.kind is Kind.CLOSE:
            given = "without a reason" if self.reason is None else f"with reason {json.dumps(self.reason)}"
            return f"close by {self.by} {given}"
        if self.kind is Kind.UPDATE:
            return f"update by {self.by} to tags {json.dumps(list(self.tags))}"
        if self.kind is Kind.LIST:
            return f"list by externalId and status {self.status}"
        if self.kind is Kind.REFUSED:
            return f"close by {self.by} with {self.refusal}"
        return f"{self.kind} by {self.by}" if self.kind is Kind.RETRIEVE else str(self.kind)


class Session(NamedTuple):
    """How requests name a session: the key of its environment, its externalId or None, its friendly id once known."""

    credential: str
    external_id: str | None
    id: str | None = None

    def key(self, form: Form) -> str:
        """The id in a form; the other one where the session does not have that."""
        preferred, other = (self.id, self.external_id) if form is Form.FRIENDLY else (self.external_id, self.id)
        key = preferred if preferred is not None else other
        assert key is not None  # noqa: S101 - only a session without an externalId that was not created has none
        return key


class Request(NamedTuple):
    """A request before it is sent; `target` is the raw path with its query."""

    method: str
    target: str
    body: bytes | None
    credential: str


def request_of(target: Target, session: Session, operation: Operation) -> Request:
    """The request that carries out an operation.

    Raises:
        ValueError: the operation is not a request: expiry is a matter of time.
    """
    credential = session.credential
    if operation.kind is Kind.CREATE:
        payload = {"basePayload": {"payload": operation.payload}}
        body = {**target.example, "externalId": session.external_id, "triggerConfig": payload}
        return Request("POST", target.collection, _json(body), credential)
    key = session.key(operation.by)
    if operation.kind is Kind.CLOSE:
        body = {} if operation.reason is None else {"reason": operation.reason}
        return Request("POST", target.close_path(key), _json(body), credential)
    if operation.kind is Kind.UPDATE:
        return Request("PATCH", target.path(key), _json({"tags": list(operation.tags)}), credential)
    if operation.kind is Kind.RETRIEVE:
        return Request("GET", target.path(key), None, credential)
    if operation.kind is Kind.LIST:
        return Request("GET", _list_target(target, session.key(Form.EXTERNAL), operation.status), None, credential)
    if operation.kind is Kind.REFUSED:
        refusal = REFUSALS[operation.refusal]
        credential = f"{credential}x" if refusal.is_foreign else credential
        return Request(refusal.method, target.close_path(key), refusal.body, credential)
    raise ValueError(f"{operation.kind} is not a request")


def _list_target(target: Target, external_id: str, status: str) -> str:
    # The path of a session is the one place that percent-encodes an id.
    quoted = target.path(external_id).rsplit("/", 1)[1]
    return f"{target.collection}?filter%5BexternalId%5D={quoted}&filter%5Bstatus%5D={status}"


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
