"""The dialects by name, with the faults that the whole server has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adjourn_mock.behaviour import Behaviour
from adjourn_mock.documented import DOCUMENTED
from adjourn_mock.vendor import SERVER

__all__ = ["DIALECTS", "Dialects"]

DIALECTS: Mapping[str, Behaviour] = {"documented": DOCUMENTED, "server": SERVER}


class Dialects(dict[str, Behaviour]):
    """The behaviours that an environment can have, by dialect.

    Args:
        default: the dialect of an environment that asks for none.
        faults: names of contract faults that every dialect then has.

    Raises:
        ValueError: there is no such dialect or fault.
    """

    def __init__(self, default: str = "documented", faults: Sequence[str] = ()) -> None:
        super().__init__(DIALECTS)
        self.default = self.known(default)
        for name in faults:
            self._break(name)

    def known(self, dialect: str | None) -> str:
        """The name of a dialect, the default's for None.

        Raises:
            ValueError: there is no such dialect.
        """
        if dialect is None:
            return self.default
        if dialect not in self:
            raise ValueError(f"there is no dialect {dialect!r}; there are {', '.join(self)}")
        return dialect

    def _break(self, fault: str) -> None:
        # A server without faults does not load them: it starts sooner.
        from adjourn_mock.faults import FAULTS

        if fault not in FAULTS:
            raise ValueError(f"there is no fault {fault!r}; adjourn faults list has their names")
        change = FAULTS[fault].change
        self.update({name: change(behaviour) for name, behaviour in self.items()})
