"""Points on which the sources disagree: either answer passes, a server error or another effect does not."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import pytest

from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario


class Zone(NamedTuple):
    """A create that one source accepts and another refuses.

    `server` has the statuses of the `server` dialect, where it has a definite answer.
    """

    slug: str
    what: str
    members: Row
    server: Collection[int] | None = None


ZONES = (
    Zone("grey.channel-names", "an externalId that ends in :in", {"external_id": ":in"}, (422,)),
    Zone("grey.channel-names", "an externalId with :channels: in it", {"external_id": ":channels:x"}, (422,)),
    Zone(
        "grey.trigger-tags",
        "six tags in triggerConfig",
        {"triggerConfig": {"basePayload": {}, "tags": list("abcdef")}},
        (201,),
    ),
    Zone("grey.dates", "an expiresAt without an offset", {"expiresAt": "2099-06-01T12:00:00"}),
    Zone("grey.dates", "an expiresAt that is a day", {"expiresAt": "2099-06-01"}),
    Zone("grey.dates", "an expiresAt in words", {"expiresAt": "1 Jun 2099"}),
    Zone("grey.dates", "an expiresAt that is a number", {"expiresAt": 4_083_998_400_000}),
    Zone("grey.dates", "an expiresAt that is null", {"expiresAt": None}),
)


@pytest.mark.clause("create.created", "server.no-error")
def test_a_create_that_sources_disagree_on_is_accepted_or_refused(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, zone: Zone) -> None:
        accepts = run.contract.grey_zones[zone.slug].accepts
        allowed = zone.server if run.dialect == "server" and zone.server else accepts
        members = dict(zone.members)
        name = run.name() + str(members.pop("external_id", ""))
        made = scenario.try_create(name, **members)
        scenario.expect(made, allowed, "create.created", f"create with {zone.what}")
        if made.status == 201:
            row = scenario.validated_row(made, extra_members=True)
            scenario.assert_same({"externalId": name}, row, "create.created", "create")
            scenario.close(scenario.retrieve(name), {"reason": "accepted"}, by=name, look=False)

    run.each(ZONES, play)


@pytest.mark.clause("body.unknown-members", "body.no-effect")
def test_a_calling_run_id_that_is_not_a_string_is_ignored_or_refused(run: Run, scenario: Scenario) -> None:
    accepts = (400,) if run.dialect == "server" else run.contract.grey_zones["grey.calling-run"].accepts
    row = scenario.open()
    answer = scenario.try_close(row["id"], {"reason": "ok", "callingRunId": 5})
    scenario.expect(answer, accepts, "body.unknown-members", "a close with a callingRunId that is a number")
    if answer.status == 200:
        scenario.assert_same({"closedReason": "ok"}, answer.value, "body.unknown-members", "close")
    else:
        scenario.assert_unchanged(row, "body.no-effect")
