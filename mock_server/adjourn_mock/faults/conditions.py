"""The network conditions that a server knows, by name."""

from __future__ import annotations

from collections.abc import Mapping

from adjourn_mock.faults.account import Account
from adjourn_mock.faults.list_lag import ListLag
from adjourn_mock.faults.network import ConnectionReset, Latency, NetworkFault, SlowBody, Status, TruncatedBody

__all__ = ["NETWORK_FAULTS"]

NETWORK_FAULTS: Mapping[str, type[NetworkFault]] = {
    fault.name: fault for fault in (Latency, Status, ConnectionReset, TruncatedBody, SlowBody, ListLag, Account)
}
