"""Faults of what create answers beside the row: runId, publicAccessToken, isCached."""

from __future__ import annotations

from typing import Any

import msgspec

from adjourn_mock.faults.fault import Breach, named
from adjourn_mock.faults.members import Members, adding, without
from adjourn_mock.faults.steps import Step, answering, around
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]

_CREATED, _CACHED = "create.created", "create.cached"


def cached_as_text(members: Members) -> Members:
    return {**members, "isCached": str(members["isCached"]).lower()}


def token_as_object(members: Members) -> Members:
    return {**members, "publicAccessToken": {"token": members["publicAccessToken"]}}


def run_without_prefix(members: Members) -> Members:
    return {**members, "runId": str(members["runId"]).partition("_")[2]}


def first_token_for_all(create: Step) -> Step:
    """Every create answers the token of the first one."""
    first: list[Any] = []

    async def faulty(service: Service, behaviour: Behaviour, call: Call) -> Result:
        result = await create(service, behaviour, call)
        first.append(result.members["publicAccessToken"])
        del first[1:]
        return msgspec.structs.replace(result, members={**result.members, "publicAccessToken": first[0]})

    return faulty


def answered_without(clause: str, what: str, name: str) -> Breach:
    """The answer of a create lacks a member."""
    return Breach(clause, f"The server answers {what} without {name}.", answering(clause, without(name)))


FAULTS = named(
    {
        "create-without-run": answered_without(_CREATED, "a create", "runId"),
        "create-without-token": answered_without(_CREATED, "a create", "publicAccessToken"),
        "create-without-cached": answered_without(_CREATED, "a create", "isCached"),
        "create-cached-text": Breach(
            _CREATED, "The server answers a create with isCached as a string.", answering(_CREATED, cached_as_text)
        ),
        "create-token-object": Breach(
            _CREATED,
            "The server answers a create with publicAccessToken as an object.",
            answering(_CREATED, token_as_object),
        ),
        "create-token-empty": Breach(
            "token.shape",
            "The server answers a create with an empty publicAccessToken.",
            answering(_CREATED, adding(publicAccessToken="")),
        ),
        "create-run-without-prefix": Breach(
            _CREATED,
            "The server answers a create with a runId that lacks its prefix.",
            answering(_CREATED, run_without_prefix),
        ),
        "create-without-row": answered_without(_CREATED, "a create", "triggerConfig"),
        "create-says-cached": Breach(
            _CREATED, "The server answers isCached true for a new session.", answering(_CREATED, adding(isCached=True))
        ),
        "create-cached-without-run": answered_without(_CACHED, "a repeated create", "runId"),
        "create-cached-without-token": answered_without(_CACHED, "a repeated create", "publicAccessToken"),
        "create-cached-without-cached": answered_without(_CACHED, "a repeated create", "isCached"),
        "create-cached-201": Breach(
            _CACHED, "The server answers 201 for a repeated create.", answering(_CACHED, status=201)
        ),
        "token-of-first-session": Breach(
            "token.shape",
            "The server answers every create with the token of the first.",
            around("create", first_token_for_all),
        ),
    }
)
