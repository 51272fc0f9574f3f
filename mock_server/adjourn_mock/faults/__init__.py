"""Named faults: each breaks one clause in a way in which real servers break it."""

from adjourn_mock.faults import answering, around, auth, bodies, closing, ids, methods, races
from adjourn_mock.faults.fault import Fault

__all__ = ["FAULTS", "Fault"]

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for module in (auth, ids, bodies, closing, races, methods, answering, around)
    for fault in module.FAULTS
}
