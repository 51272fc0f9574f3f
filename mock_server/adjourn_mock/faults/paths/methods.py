"""Faults of methods and paths: what is done, or refused, besides what the contract has."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from adjourn_mock.exchanges.exchange import Refusal, Request
from adjourn_mock.faults.fault import Breach, Change, named
from adjourn_mock.faults.steps import refusing
from adjourn_mock.pipeline.behaviour import Behaviour, Route
from adjourn_mock.pipeline.service import Service

__all__ = ["FAULTS"]


def routing(method: str, operation: str) -> Change:
    """Another method on the close path does an operation."""

    def change(base: Behaviour) -> Behaviour:
        def route(service: Service, request: Request) -> Route:
            try:
                return base.route(service, request)
            except Refusal:
                found = service.routes.match(request.raw_path)
                if found is None or request.method != method or found[0].method_clause != "close.method":
                    raise
                return Route(service.contract.operations[operation], found[1])

        return replace(base, route=route)

    return change


def closing_by(method: str) -> Change:
    return routing(method, "closeSession")


def retrieving_by(method: str) -> Change:
    return routing(method, "retrieveSession")


def overriding_method(base: Behaviour) -> Behaviour:
    def route(service: Service, request: Request) -> Route:
        # The request itself stays as it was sent: the journal shows it.
        if request.headers.get(b"x-http-method-override") == b"POST":
            return base.route(service, msgspec.structs.replace(request, method="POST"))
        return base.route(service, request)

    return replace(base, route=route)


def close_at_any_tail(base: Behaviour) -> Behaviour:
    def route(service: Service, request: Request) -> Route:
        template = service.contract.operations["closeSession"].template
        last = template.rpartition("/")[2].encode()
        head, close, tail = request.raw_path.partition(b"/" + last)
        if close and tail and request.method == "POST":
            return base.route(service, msgspec.structs.replace(request, raw_path=head + close))
        return base.route(service, request)

    return replace(base, route=route)


def allowing(*refused: bytes, clauses: tuple[str, ...] = ("close.method", "path.method")) -> Change:
    """Name methods in Allow that are refused."""

    def change(base: Behaviour) -> Behaviour:
        def route(service: Service, request: Request) -> Route:
            try:
                return base.route(service, request)
            except Refusal as refusal:
                if refusal.clause not in clauses:
                    raise
                headers = tuple((name, b", ".join((value, *refused))) for name, value in refusal.headers)
                raise replace(refusal, headers=headers) from None

        return replace(base, route=route)

    return change


def doing(method: str, operation: str, on: str) -> Change:
    """Another method on the path of the operation `on` does `operation`."""

    def change(base: Behaviour) -> Behaviour:
        def route(service: Service, request: Request) -> Route:
            try:
                return base.route(service, request)
            except Refusal:
                found = service.routes.match(request.raw_path)
                known = service.contract.operations[on]
                if found is None or request.method != method or known not in found[0].operations.values():
                    raise
                return Route(service.contract.operations[operation], found[1])

        return replace(base, route=route)

    return change


FAULTS = named(
    {
        "get-closes": Breach("close.method", "The server closes on GET.", closing_by("GET")),
        "put-closes": Breach("close.method", "The server closes on PUT.", closing_by("PUT")),
        "patch-closes": Breach("close.method", "The server closes on PATCH.", closing_by("PATCH")),
        "delete-closes": Breach("close.method", "The server closes on DELETE.", closing_by("DELETE")),
        "head-answers": Breach("close.method", "The server answers HEAD on the close path.", retrieving_by("HEAD")),
        "get-answers": Breach(
            "close.method", "The server answers the row to GET on the close path.", retrieving_by("GET")
        ),
        "method-404": Breach(
            "close.method",
            "The server answers 404 to other methods on the close path.",
            refusing("close.method", status=404),
        ),
        "method-501": Breach(
            "close.method",
            "The server answers 501 to other methods on the close path.",
            refusing("close.method", status=501),
        ),
        "method-without-allow": Breach(
            "close.method", "The server answers 405 without Allow.", refusing("close.method", headers=())
        ),
        "method-override": Breach(
            "close.method", "The server does what X-HTTP-Method-Override asks for.", overriding_method
        ),
        "method-allow-all": Breach(
            "close.method",
            "The server names GET and DELETE in Allow, and refuses them.",
            allowing(b"GET", b"DELETE", clauses=("close.method",)),
        ),
        "method-delete-retrieves": Breach(
            "path.method",
            "The server answers the row to DELETE on the session's path.",
            doing("DELETE", "retrieveSession", "retrieveSession"),
        ),
        "method-put-updates": Breach(
            "path.method", "The server updates on PUT.", doing("PUT", "updateSession", "retrieveSession")
        ),
        "method-post-updates": Breach(
            "path.method", "The server updates on POST.", doing("POST", "updateSession", "retrieveSession")
        ),
        "method-put-creates": Breach(
            "path.method", "The server creates on PUT.", doing("PUT", "createSession", "createSession")
        ),
        "method-delete-closes": Breach(
            "path.method",
            "The server closes on DELETE of the session's path.",
            doing("DELETE", "closeSession", "retrieveSession"),
        ),
        "path-method-404": Breach(
            "path.method",
            "The server answers 404 to other methods on the session's path.",
            refusing("path.method", status=404),
        ),
        "path-method-500": Breach(
            "server.no-error",
            "The server answers 500 to other methods on the session's path.",
            refusing("path.method", status=500),
        ),
        "path-tail-ignored": Breach(
            "path.unknown", "The server ignores what follows the close path.", close_at_any_tail
        ),
    }
)
