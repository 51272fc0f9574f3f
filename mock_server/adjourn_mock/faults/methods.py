"""Faults of the close path with other methods, and of what lists say of a close."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adjourn_mock.domain.sessions import Session
from adjourn_mock.exchanges.exchange import Answer, Refusal, Request
from adjourn_mock.faults.fault import Change, Fault
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result, Route
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]


def other_methods(methods: tuple[str, ...], *, effect: bool, status: int = 200) -> Change:
    """Other methods on the close path are let through, or refused after they had an effect."""

    def change(base: Behaviour) -> Behaviour:
        def route(service: Service, request: Request) -> Route:
            try:
                return base.route(service, request)
            except Refusal:
                found = service.routes.match(request.raw_path)
                operation = service.contract.operations["closeSession"]
                if found is None or request.method not in methods or found[0].method_clause != "close.method":
                    raise
                return Route(operation if effect else service.contract.operations["retrieveSession"], found[1])

        def answer(service: Service, behaviour: Behaviour, result: Result) -> Answer:
            return base.answer(service, behaviour, result)

        return replace(base, route=route, answer=answer)

    return change


def method_refusal(status: int, *, allow: bool) -> Change:
    def change(base: Behaviour) -> Behaviour:
        def refuse(service: Service, refusal: Refusal) -> Answer:
            answer = base.refuse(service, refusal)
            if refusal.clause == "close.method":
                answer.status, answer.headers = status, answer.headers if allow else ()
            return answer

        return replace(base, refuse=refuse)

    return change


def overriding_method(base: Behaviour) -> Behaviour:
    """X-HTTP-Method-Override makes a POST of anything."""

    def route(service: Service, request: Request) -> Route:
        if request.headers.get(b"x-http-method-override") == b"POST":
            request.method = "POST"
        return base.route(service, request)

    return replace(base, route=route)


def listing(states: dict[str, str]) -> Change:
    """Lists show sessions under another state: `states` maps the real one to the one listed."""

    def change(base: Behaviour) -> Behaviour:
        async def list_sessions(service: Service, behaviour: Behaviour, call: Call) -> Result:
            wanted = call.value.get("filter[status]")
            if wanted is None:
                return await base.list(service, behaviour, call)
            shown = [real for real in ("ACTIVE", "CLOSED", "EXPIRED") if states.get(real, real) in wanted]
            value = {**call.value, "filter[status]": shown or ["NONE"]}
            return await base.list(service, behaviour, Call(call.caller, call.operation, call.text, call.key, value))

        return replace(base, list=list_sessions)

    return change


def listing_with_config(base: Behaviour) -> Behaviour:
    def list_row(session: Session) -> dict[str, Any]:
        return {**base.list_row(session), "triggerConfig": session.trigger_config}

    return replace(base, list_row=list_row)


FAULTS = [
    Fault("get-closes", "close.method", "GET closes.", other_methods(("GET",), effect=True)),
    Fault("put-closes", "close.method", "PUT closes.", other_methods(("PUT",), effect=True)),
    Fault("patch-closes", "close.method", "PATCH closes.", other_methods(("PATCH",), effect=True)),
    Fault("delete-closes", "close.method", "DELETE closes.", other_methods(("DELETE",), effect=True)),
    Fault("head-answers", "close.method", "HEAD on the close path answers.", other_methods(("HEAD",), effect=False)),
    Fault("get-answers", "close.method", "GET on the close path answers the row.", other_methods(("GET",), effect=False)),
    Fault("method-404", "close.method", "Other methods are 404.", method_refusal(404, allow=True)),
    Fault("method-501", "close.method", "Other methods are 501.", method_refusal(501, allow=True)),
    Fault("method-without-allow", "close.method", "A 405 has no Allow.", method_refusal(405, allow=False)),
    Fault("method-override", "close.method", "X-HTTP-Method-Override makes a POST.", overriding_method),
    Fault("list-closed-as-active", "close.listed", "Closed sessions are listed as ACTIVE.", listing({"CLOSED": "ACTIVE"})),
    Fault("list-closed-as-expired", "close.listed", "Closed sessions are listed as EXPIRED.", listing({"CLOSED": "EXPIRED"})),
    Fault("list-active-as-closed", "close.listed", "Open sessions are listed as CLOSED.", listing({"ACTIVE": "CLOSED"})),
    Fault("list-with-config", "row.list", "List rows have triggerConfig.", listing_with_config),
]  # fmt: skip
