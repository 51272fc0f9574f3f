"""New ids: a prefix and 25 characters of `[a-z0-9]` that start with `c`, in the service's own form."""

from __future__ import annotations

from random import Random

from adjourn_spec import Contract

__all__ = ["IdGenerator"]

_ALPHABET = b"abcdefghijklmnopqrstuvwxyz0123456789"
_RANDOM_CHARACTERS = 24
# From a random byte to a character. `Random.choices` draws each character by itself, which took a seventh of a create.
_CHARACTERS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))


class IdGenerator:
    """Ids of one environment, in a sequence that the seed decides.

    Args:
        contract: has the prefixes.
        seed: the same text gives the same ids; None gives different ones each time.
    """

    def __init__(self, contract: Contract, seed: str | None = None) -> None:
        self._contract, self._seed = contract, seed
        self._random = Random(seed)

    def restart(self) -> None:
        """Repeat the same ids, where there is a seed."""
        if self._seed is not None:
            self._random = Random(self._seed)

    def session_id(self) -> str:
        return self._contract.friendly_prefix + self._characters()

    def run_id(self) -> str:
        return self._contract.run_prefix + self._characters()

    def _characters(self) -> str:
        return "c" + self._random.randbytes(_RANDOM_CHARACTERS).translate(_CHARACTERS).decode()
