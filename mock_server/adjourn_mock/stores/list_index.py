"""What lists are found by.

A session is listed, in order of creation, under a term for each thing that a filter can ask for: its
state, type, task and tags. A list reads along the terms of one filter and looks at no other session.
"""

from __future__ import annotations

from adjourn_mock.domain.sessions import Filter, Session

__all__ = ["candidate_terms", "index_terms", "run_term"]

# Reading along so many at once costs more than reading along another filter.
MAX_TERMS = 50


def index_terms(session: Session) -> tuple[str, ...]:
    """The terms that a session is listed under, each once."""
    return (
        "all",
        "open" if session.closed_at is None else "closed",
        f"type {session.type}",
        f"task {session.task_identifier}",
        *(f"tag {tag}" for tag in dict.fromkeys(session.tags)),
    )


def run_term(run_id: str) -> str:
    """A term that no filter asks for: what a session is found by whose current run it is."""
    return f"run {run_id}"


def candidate_terms(wanted: Filter) -> list[tuple[str, ...]]:
    """Groups of terms; each session that the filter matches is under a term of each group, so any group will do."""
    groups: list[tuple[str, ...]] = []
    if wanted.statuses and "CLOSED" not in wanted.statuses:
        groups.append(("open",))
    elif wanted.statuses and len(set(wanted.statuses)) == 1:
        groups.append(("closed",))
    for field, values in (("type", wanted.types), ("task", wanted.task_identifiers), ("tag", wanted.tags)):
        if values and len(different := dict.fromkeys(values)) <= MAX_TERMS:
            groups.append(tuple(f"{field} {value}" for value in different))
    return groups or [("all",)]
