"""Faults of the operations around a chat: tokens for browsers, and runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.chats.channels import letting_tokens
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Caller, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]

Members = dict[str, Any]


def answering(step: str, edit: Callable[[Members], Members]) -> Change:
    """Edit what a step of one of these operations answers."""

    def change(base: Behaviour) -> Behaviour:
        async def edited(service: Service, behaviour: Behaviour, call: Call) -> Result:
            result = await getattr(base, step)(service, behaviour, call)
            return Result(result.clause, None, edit(dict(result.members)), about=result.about)

        steps: Mapping[str, Any] = {step: edited}
        return replace(base, **steps)

    return change


def for_nobody(members: Members) -> Members:
    return {**members, "sub": "nobody"}


def of_another_task(members: Members) -> Members:
    return {**members, "taskIdentifier": "another-task"}


def neither_live_nor_done(members: Members) -> Members:
    return {**members, "isExecuting": False, "isCompleted": True}


def refusing_client_signed(base: Behaviour) -> Behaviour:
    """Only tokens with both scopes of create are accepted."""

    def authenticate(service: Service, request: Request) -> Caller:
        caller = base.authenticate(service, request)
        if caller.token is not None and len(caller.token.scopes) != len(service.contract.token.grants):
            raise Refusal("auth.token-invalid")
        return caller

    return replace(base, authenticate=authenticate)


def minting(edit: Callable[[Call], Members]) -> Change:
    """Make tokens from another body than the one that was sent."""

    def change(base: Behaviour) -> Behaviour:
        async def public_token(service: Service, behaviour: Behaviour, call: Call) -> Result:
            value = edit(call)
            return await base.public_token(service, behaviour, msgspec.structs.replace(call, value=value))

        return replace(base, public_token=public_token)

    return change


def for_every_session(call: Call) -> Members:
    return {**call.value, "scopes": ["read:sessions", *call.value["scopes"]]}


def for_no_session(call: Call) -> Members:
    return {**call.value, "scopes": ["read:runs"]}


def whenever_it_ends(call: Call) -> Members:
    return {name: value for name, value in call.value.items() if name != "expirationTime"}


def run_for_any_id(base: Behaviour) -> Behaviour:
    async def run(service: Service, behaviour: Behaviour, call: Call) -> Result:
        try:
            return await base.run(service, behaviour, call)
        except Refusal:
            return Result("run.row", None, {"id": call.text, "status": "COMPLETED"})

    return replace(base, run=run)


FAULTS = named(
    {
        "claims-of-nobody": Breach(
            "token.claims",
            "The server names another environment in the claims.",
            answering("claims", for_nobody),
        ),
        "client-signed-tokens-401": Breach(
            "token.client-signed",
            "The server refuses tokens that clients sign.",
            refusing_client_signed,
        ),
        "token-gets-claims": Breach(
            "token.key-required",
            "The server gives a token the claims of tokens.",
            letting_tokens("createTokenClaims"),
        ),
        "minted-token-reads-all": Breach(
            "token.minted",
            "The server makes public tokens that read every session.",
            minting(for_every_session),
        ),
        "minted-token-reads-nothing": Breach(
            "token.minted",
            "The server makes public tokens without the scopes that were asked for.",
            minting(for_no_session),
        ),
        "minted-token-any-expiry": Breach(
            "token.request",
            "The server ignores the expiry of a public token.",
            minting(whenever_it_ends),
        ),
        "run-of-another-task": Breach(
            "run.row",
            "The server answers a run of another task than its session's.",
            answering("run", of_another_task),
        ),
        "run-flags-disagree": Breach(
            "run.states",
            "The server answers flags of a run that disagree with its status.",
            answering("run", neither_live_nor_done),
        ),
        "run-for-any-id": Breach(
            "run.unknown",
            "The server takes every id for a run's.",
            run_for_any_id,
        ),
    }
)
