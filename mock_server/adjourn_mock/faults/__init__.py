"""Named faults: each violates one clause, or disturbs the network, as real servers and networks do."""

from adjourn_mock.faults.catalogue import FAULTS, FaultCatalogue, UnknownFaultError
from adjourn_mock.faults.conditions import NETWORK_FAULTS
from adjourn_mock.faults.fault import Fault
from adjourn_mock.faults.network import NetworkFault

__all__ = ["FAULTS", "NETWORK_FAULTS", "Fault", "FaultCatalogue", "NetworkFault", "UnknownFaultError"]
