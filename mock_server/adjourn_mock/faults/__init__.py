"""Named faults: each breaks one clause, or the way to the server, as real servers and networks do."""

from adjourn_mock.faults import answering, around, auth, bodies, closing, ids, methods, races
from adjourn_mock.faults.fault import Fault
from adjourn_mock.faults.network import NETWORK_FAULTS, NetworkFault

__all__ = ["FAULTS", "NETWORK_FAULTS", "Fault", "NetworkFault"]

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for module in (auth, ids, bodies, closing, races, methods, answering, around)
    for fault in module.FAULTS
}
