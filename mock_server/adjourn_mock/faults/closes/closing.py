"""Faults of the first close: what it answers, stores and changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count
from typing import Any

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import Step, answering, around, by_external_id, now, stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service
from adjourn_spec import ExternalId, FriendlyId

__all__ = ["FAULTS", "Value", "after_close", "moved", "values"]

Value = Callable[[Call, Session], Any]
_HOUR = 3_600_000
_EPOCH, _LONG_AGO = "1970-01-01T00:00:00.000Z", "2001-01-01T00:00:00.000Z"


def after_close(act: Callable[[Service, Call, Session, bool], Awaitable[Session | None]]) -> Change:
    """Do something once close has done its work; `act` gets the row after it and whether it was the first close.

    What `act` returns is answered instead, where it is not None.
    """

    def wrap(close: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            before = await behaviour.find(service, call.caller.environment, call.key)
            result = await close(service, behaviour, call)
            assert result.session is not None  # noqa: S101 - close answers a row
            first = before is not None and before.closed_at is None
            changed = await act(service, call, result.session, first)
            return result if changed is None else Result(result.clause, changed, result.members)

        return faulty

    return around("close", wrap)


def values(members: dict[str, Any], call: Call, session: Session) -> dict[str, Any]:
    """The members with the functions among them called."""
    return {name: value(call, session) if callable(value) else value for name, value in members.items()}


def first_close(**members: Any) -> Change:
    """The first close stores other members; each is a value, or a function of the call and the row."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        environment = call.caller.environment
        return await stored(service, environment, session, **values(members, call, session)) if first else None

    return after_close(act)


# Values to store: functions of the call and the row as it was closed.


def moved(milliseconds: int) -> Value:
    return lambda call, session: now(call, milliseconds)


def created_at(call: Call, session: Session) -> str:
    return session.created_at


def closed_at(call: Call, session: Session) -> str | None:
    return session.closed_at


def midnight(call: Call, session: Session) -> str:
    return f"{now(call)[:10]}T00:00:00.000Z"


def sorted_tags(call: Call, session: Session) -> tuple[str, ...]:
    return tuple(sorted(session.tags))


def metadata_or_none(call: Call, session: Session) -> dict[str, Any] | None:
    return session.metadata or None


def metadata_with_mark(call: Call, session: Session) -> dict[str, Any]:
    return {**(session.metadata or {}), "closed": True}


def payload_alone(call: Call, session: Session) -> dict[str, Any]:
    return {"basePayload": session.trigger_config["basePayload"]}


def empty_payload(call: Call, session: Session) -> dict[str, Any]:
    return {**session.trigger_config, "basePayload": {}}


def closed_type(call: Call, session: Session) -> str:
    return f"{session.type}.closed"


def lower_task(call: Call, session: Session) -> str:
    return session.task_identifier.lower()[:64]


def none_if_expired(call: Call, session: Session) -> str | None:
    return None if session.expires_at and session.expires_at <= now(call) else session.closed_reason


# Sessions that are refused.


def refusing_some(refused: Callable[[Session, str], bool], status: int = 409) -> Change:
    """Refuse to close open sessions of some sort: `refused(session, now)`."""

    def wrap(close: Step) -> Step:
        async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
            session = await behaviour.find(service, call.caller.environment, call.key)
            if session is not None and session.closed_at is None and refused(session, now(call)):
                raise Refusal("close.recreate", "This session cannot be closed", status=status)
            return await close(service, behaviour, call)

        return faulty

    return around("close", wrap)


def is_unnamed(session: Session, at: str) -> bool:
    return session.external_id is None


def is_of_other_type(session: Session, at: str) -> bool:
    return session.type != "chat.agent"


def has_many_tags(session: Session, at: str) -> bool:
    return len(session.tags) > 5


def has_full_config(session: Session, at: str) -> bool:
    return len(session.trigger_config) > 6


def will_expire(session: Session, at: str) -> bool:
    return session.expires_at is not None and session.expires_at > at


def is_expired(session: Session, at: str) -> bool:
    return session.expires_at is not None and session.expires_at <= at


# Closes that fail now and then, or are not stored.


def each_close(number: int, act: Callable[[Service, Call, Session], Awaitable[Session | None]]) -> Change:
    """Do something at every `number`-th close of the server."""

    def change(base: Behaviour) -> Behaviour:
        numbers = count(1)

        async def every(service: Service, call: Call, session: Session, first: bool) -> Session | None:
            return await act(service, call, session) if first and next(numbers) % number == 0 else None

        return after_close(every)(base)

    return change


async def fail(service: Service, call: Call, session: Session) -> Session | None:
    raise Refusal("close.recreate", "something went wrong", status=500)


async def lose_reason(service: Service, call: Call, session: Session) -> Session | None:
    return await stored(service, call.caller.environment, session, closed_reason="")


async def lose_close(service: Service, call: Call, session: Session) -> Session | None:
    await stored(service, call.caller.environment, session, closed_at=None, closed_reason=None)
    return session


def not_closing(base: Behaviour) -> Behaviour:
    """Answer as if the session had been closed, and leave it open."""

    async def close(service: Service, behaviour: Behaviour, call: Call) -> Result:
        session = await behaviour.find(service, call.caller.environment, call.key)
        if session is None:
            raise Refusal("id.unknown")
        return Result("close.closes", sessions.close(session, call.value.get("reason"), now(call)), {})

    return replace(base, close=close)


def losing_reason_by(kind: type) -> Change:
    """Closes by one form of id do not store the reason."""

    async def act(service: Service, call: Call, session: Session, first: bool) -> Session | None:
        if first and isinstance(call.key, kind):
            await stored(service, call.caller.environment, session, closed_reason=None)
        return session

    return after_close(act)


def altering(what: str, **members: Any) -> Breach:
    """The first close changes what it must preserve."""
    return Breach("close.preserves", f"The server {what} on close.", first_close(**members))


FAULTS = named(
    {
        "close-does-nothing": Breach(
            "close.persisted", "The server answers that a session is closed, and leaves it open.", not_closing
        ),
        "close-at-created": Breach(
            "close.closes", "The server sets closedAt to createdAt.", first_close(closed_at=created_at)
        ),
        "close-in-the-future": Breach(
            "close.closes", "The server sets closedAt an hour ahead.", first_close(closed_at=moved(_HOUR))
        ),
        "close-in-the-past": Breach(
            "close.closes", "The server sets closedAt an hour back.", first_close(closed_at=moved(-_HOUR))
        ),
        "close-at-epoch": Breach("close.closes", "The server sets closedAt to 1970.", first_close(closed_at=_EPOCH)),
        "close-at-midnight": Breach(
            "close.closes", "The server records only the day of the close.", first_close(closed_at=midnight)
        ),
        "close-201": Breach(
            "close.closes", "The server answers 201 to a close.", answering("close.closes", status=201)
        ),
        "close-204": Breach(
            "close.closes",
            "The server answers 204 without a body to a close.",
            answering("close.closes", status=204, body=b""),
        ),
        "close-202": Breach(
            "close.closes", "The server answers 202 to a close.", answering("close.closes", status=202)
        ),
        "close-by-friendly-id-half-kept": Breach(
            "close.persisted", "The server loses the reason of a close by friendly id.", losing_reason_by(FriendlyId)
        ),
        "close-by-external-id-half-kept": Breach(
            "close.persisted", "The server loses the reason of a close by externalId.", losing_reason_by(ExternalId)
        ),
        "close-without-external-id-refused": Breach(
            "close.closes", "The server does not close sessions without an externalId.", refusing_some(is_unnamed)
        ),
        "close-of-other-types-refused": Breach(
            "close.closes", "The server closes only sessions of type chat.agent.", refusing_some(is_of_other_type)
        ),
        "close-with-tags-refused": Breach(
            "server.no-error",
            "The server answers 500 to a close of a session with many tags.",
            refusing_some(has_many_tags, 500),
        ),
        "close-with-expiry-refused": Breach(
            "close.closes", "The server does not close sessions that will expire.", refusing_some(will_expire)
        ),
        "close-with-full-config-refused": Breach(
            "server.no-error",
            "The server answers 500 to a close of a session with all trigger options.",
            refusing_some(has_full_config, 500),
        ),
        "close-every-tenth-fails": Breach(
            "server.no-error", "The server answers 500 to every tenth close.", each_close(10, fail)
        ),
        "close-every-fiftieth-fails": Breach(
            "server.no-error", "The server answers 500 to every fiftieth close.", each_close(50, fail)
        ),
        "close-every-seventh-loses-reason": Breach(
            "reason.verbatim", "The server loses the reason of every seventh close.", each_close(7, lose_reason)
        ),
        "close-every-thirtieth-not-kept": Breach(
            "close.persisted", "The server does not store every thirtieth close.", each_close(30, lose_close)
        ),
        "close-drops-tags": altering("drops the tags", tags=()),
        "close-sorts-tags": altering("sorts the tags", tags=sorted_tags),
        "close-drops-metadata": altering("drops the metadata", metadata=None),
        "close-metadata-empty-is-null": altering("turns empty metadata into null", metadata=metadata_or_none),
        "close-adds-metadata": altering("adds a member to the metadata", metadata=metadata_with_mark),
        "close-drops-config": altering("drops trigger options", trigger_config=payload_alone),
        "close-drops-payload": altering("drops the payload", trigger_config=empty_payload),
        "close-drops-external-id": altering("frees the externalId", external_id=None),
        "close-drops-run": altering("drops the current run", current_run_id=None),
        "close-drops-expiry": altering("drops expiresAt", expires_at=None),
        "close-sets-expiry": altering("sets expiresAt", expires_at=closed_at),
        "close-moves-created-at": altering("moves createdAt", created_at=moved(1)),
        "close-changes-type": altering("changes the type", type=closed_type),
        "close-changes-task": altering("changes taskIdentifier", task_identifier=lower_task),
        "updated-at-stays": Breach(
            "close.updated-at", "The server does not move updatedAt on close.", first_close(updated_at=created_at)
        ),
        "updated-at-goes-back": Breach(
            "close.updated-at", "The server moves updatedAt back on close.", first_close(updated_at=_LONG_AGO)
        ),
        "updated-at-ahead": Breach(
            "close.updated-at",
            "The server sets updatedAt an hour ahead on close.",
            first_close(updated_at=moved(_HOUR)),
        ),
        "close-at-created-by-external-id": Breach(
            "close.closes",
            "The server sets closedAt to createdAt on a close by externalId.",
            by_external_id(first_close(closed_at=created_at)),
        ),
        "updated-at-stays-by-external-id": Breach(
            "close.updated-at",
            "The server does not move updatedAt on a close by externalId.",
            by_external_id(first_close(updated_at=created_at)),
        ),
        "expired-409": Breach(
            "close.expired", "The server answers 409 to a close of an expired session.", refusing_some(is_expired)
        ),
        "expired-404": Breach(
            "close.expired", "The server answers 404 to a close of an expired session.", refusing_some(is_expired, 404)
        ),
        "expired-without-reason": Breach(
            "close.expired",
            "The server loses the reason when it closes an expired session.",
            first_close(closed_reason=none_if_expired),
        ),
    }
)
