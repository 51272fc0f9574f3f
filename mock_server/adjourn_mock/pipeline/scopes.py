"""What public access tokens may do: the matrix of scopes, which is data in the document (`x-scopes`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from adjourn_spec import Scopes

__all__ = ["is_granted"]

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
