"""The dialects that a server offers, with the faults that all of its environments have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adjourn_mock.domain.errors import UserError
from adjourn_mock.pipeline.behaviour import Behaviour, Change

__all__ = ["Dialects"]


class Dialects(dict[str, Behaviour]):
    """The behaviours that an environment can have, by dialect.

    Args:
        behaviours: all of them.
        default: the dialect of an environment that asks for none.
        changes: faults that every dialect then has.

    Raises:
        ValueError: there is no such dialect.
    """

    def __init__(self, behaviours: Mapping[str, Behaviour], default: str, changes: Iterable[Change] = ()) -> None:
        super().__init__(behaviours)
        self.default = self.known(default)
        for change in changes:
            self.update({name: change(behaviour) for name, behaviour in self.items()})

    def known(self, dialect: str | None) -> str:
        """The name of a dialect, the default's for None.

        Raises:
            ValueError: there is no such dialect.
        """
        if dialect is None:
            return self.default
        if dialect not in self:
            raise UserError(f"there is no dialect {dialect!r}; there are {', '.join(self)}")
        return dialect
