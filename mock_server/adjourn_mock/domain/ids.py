"""New ids: a prefix and 25 characters of `[a-z0-9]` that start with `c`, as the service makes them."""

from __future__ import annotations

from random import Random

from adjourn_spec import Contract

__all__ = ["IdGenerator"]

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_RANDOM_CHARACTERS = 24


class IdGenerator:
    """Ids of one environment, in a sequence that the seed decides.

    Args:
        contract: says what the ids start with.
        seed: the same text gives the same ids; None gives others each time.
    """

    def __init__(self, contract: Contract, seed: str | None = None) -> None:
        self._contract, self._seed = contract, seed
        self._random = Random(seed)

    def restart(self) -> None:
        """Give the same ids again, where there is a seed."""
        if self._seed is not None:
            self._random = Random(self._seed)

    def session_id(self) -> str:
        return self._contract.friendly_prefix + self._characters()

    def run_id(self) -> str:
        return self._contract.run_prefix + self._characters()

    def _characters(self) -> str:
        return "c" + "".join(self._random.choices(_ALPHABET, k=_RANDOM_CHARACTERS))
