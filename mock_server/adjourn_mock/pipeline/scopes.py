"""What public access tokens may do: the matrix of scopes, which is data in the document (`x-scopes`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from adjourn_spec import Scopes

__all__ = ["exceeding", "is_granted"]

_TASK = "{task}"


def is_granted(needed: Scopes, held: Collection[str], names: Mapping[str, Collection[str]]) -> bool:
    """Whether a token has one scope of each list that an operation needs.

    Args:
        needed: the lists; without any no token is enough.
        held: the token's scopes.
        names: what the placeholders `session`, `url`, `run` and `task` stand for; of tasks each must be covered.
    """
    return bool(needed) and all(any(_is_held(each, held, names) for each in scopes) for scopes in needed)


def _is_held(template: str, held: Collection[str], names: Mapping[str, Collection[str]]) -> bool:
    if _TASK in template:
        tasks = names.get("task", ())
        return bool(tasks) and all(template.replace(_TASK, task) in held for task in tasks)
    for name, values in names.items():
        placeholder = f"{{{name}}}"
        if placeholder in template:
            return any(template.replace(placeholder, value) in held for value in values)
    return "{" not in template and template in held


def exceeding(asked: Iterable[str], held: Collection[str]) -> list[str]:
    """The scopes that go beyond those of a key, each once.

    A scope covers itself and whatever it is the beginning of, part by part; `read:all` covers all that
    starts with `read:`, `admin` covers everything.
    """
    return [scope for scope in dict.fromkeys(asked) if not any(_covers(each, scope) for each in held)]


def _covers(held: str, scope: str) -> bool:
    action, _, what = held.partition(":")
    return held == "admin" or f"{scope}:".startswith(f"{action}:" if what == "all" else f"{held}:")
