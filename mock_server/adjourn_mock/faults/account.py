"""A condition of the account: create names a version or region that it does not have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from adjourn_mock.exchanges.exchange import Refusal
from adjourn_mock.faults.network import NetworkFault
from adjourn_mock.faults.steps import stored
from adjourn_mock.pipeline.behaviour import Behaviour, Call, Result
from adjourn_mock.pipeline.service import Service

__all__ = ["Account"]

_UNKNOWN_VERSION, _UNKNOWN_REGION = 500, 422


class Account(NetworkFault, frozen=True):
    """A create that names another version or region is refused, and leaves an open session without a run.

    The same externalId with a good triggerConfig is then answered as cached, with a run.

    Attributes:
        region: the one region that the account has; with another one create is 422.
        version: the one version that is deployed; with another `lockToVersion` create is 500.
    """

    name = "account"
    summary = "The account has one region or version; a create with another is refused and leaves a row without a run."
    main = "region"

    region: str | None = None
    version: str | None = None

    def change(self, base: Behaviour) -> Behaviour:
        async def create(service: Service, behaviour: Behaviour, call: Call) -> Result:
            environment = call.caller.environment
            result = await base.create(service, behaviour, call)
            session = result.session
            assert session is not None  # noqa: S101 - create answers a row
            refusal = self._refusal(call.value["triggerConfig"])
            if refusal is not None:
                if result.before is None:
                    await stored(service, environment, session, current_run_id=None)
                raise refusal
            if session.current_run_id is not None:
                return result
            session = await stored(service, environment, session, current_run_id=environment.ids.run_id())
            members = {**result.members, "runId": session.current_run_id}
            return msgspec.structs.replace(result, session=session, members=members)

        return replace(base, create=create)

    def _refusal(self, config: Any) -> Refusal | None:
        if self.version is not None and config.get("lockToVersion") not in (None, self.version):
            return Refusal("fault.account", "Something went wrong", status=_UNKNOWN_VERSION)
        if self.region is not None and config.get("region") not in (None, self.region):
            return Refusal("fault.account", "The region is not available to this account", status=_UNKNOWN_REGION)
        return None
