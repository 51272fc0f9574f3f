"""What the list of processes shows of this one."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["hide_secrets", "without_secrets"]

_SECRET_OPTIONS = ("--secret-key", "--other-secret-key", "--control-token", "--token", "--header")
_PASSWORD = re.compile("(?<=://)[^/@]*(?=@)")
_HIDDEN = "..."


def without_secrets(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command, with keys, tokens and passwords in URLs hidden."""
    shown: list[str] = []
    for argument in arguments:
        option, equals, _ = argument.partition("=")
        if shown and shown[-1] in _SECRET_OPTIONS:
            shown.append(_HIDDEN)
        elif equals and option in _SECRET_OPTIONS:
            shown.append(f"{option}={_HIDDEN}")
        else:
            shown.append(_PASSWORD.sub(_HIDDEN, argument))
    return shown


def hide_secrets(arguments: Sequence[str]) -> None:
    """Let the list of processes, which all users of a machine may see, show no secret of this command.

    Args:
        arguments: the command with its arguments.
    """
    shown = without_secrets(arguments)
    if shown != list(arguments):
        # Loaded only where it is needed: a server starts sooner without.
        from setproctitle import setproctitle

        setproctitle(" ".join(shown))
