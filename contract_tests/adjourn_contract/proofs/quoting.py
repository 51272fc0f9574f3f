"""Texts as words and pipes of a shell: quoted, variables in them, long repetitions generated."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from adjourn_contract.proofs.texts import Reference, Text

__all__ = ["Repeated", "is_inline", "parts_of", "pipe", "word"]

_INLINE_CHARACTERS = 300
_REPEATED = re.compile(r"(.{1,8}?)\1{15,}", re.DOTALL)
_LEAST_REPEATED_CHARACTERS = 48
_NUMBERED = re.compile(r"(?:(?:[^0-9]{0,8}[0-9]{1,4}){40,})")
_TRANSLATIONS = {"upper": "a-z A-Z", "lower": "A-Z a-z", "swapped": "a-zA-Z A-Za-z"}


def word(text: Text) -> str:
    """One shell word, for sh and bash, pasted or in a script."""
    if not text:
        return "''"
    parts = list(parts_of(text))
    if all(not isinstance(part, str) or not re.search(r'["$`\\!]', part) for part in parts):
        if len(parts) == 1 and isinstance(parts[0], str):
            return shlex.quote(parts[0])
        return f'"{_inner(parts)}"'
    return "".join(shlex.quote(part) if isinstance(part, str) else f'"{_expanded(part)}"' for part in parts)


def _inner(parts: list[str | Reference | Repeated]) -> str:
    written = ""
    for number, part in enumerate(parts):
        if isinstance(part, str):
            written += part
            continue
        following = parts[number + 1] if number + 1 < len(parts) else ""
        is_joined = isinstance(following, str) and re.match("[A-Za-z0-9_]", following) is not None
        expanded = _expanded(part)
        written += f"${{{expanded[1:]}}}" if is_joined and re.fullmatch(r"\$\w+", expanded) else expanded
    return written


class Repeated(tuple[str, int]):
    """A text, and how often it occurs."""

    __slots__ = ()


def parts_of(text: Text) -> Iterator[str | Reference | Repeated]:
    """The text in pieces; long repetitions are pieces of their own."""
    for part in text:
        if isinstance(part, str):
            yield from _repetitions(part)
        else:
            yield part


def _repetitions(text: str) -> Iterator[str | Repeated]:
    at = 0
    for found in _REPEATED.finditer(text):
        size = found.end() - found.start()
        if size < _LEAST_REPEATED_CHARACTERS or "\0" in found[1]:
            continue
        if found.start() > at:
            yield text[at : found.start()]
        yield Repeated((found[1], size // len(found[1])))
        at = found.end()
    if at < len(text):
        yield text[at:]


def _expanded(part: Reference | Repeated) -> str:
    """What is between double quotes for a variable, a part of one, or a repetition."""
    if isinstance(part, Repeated):
        return f"$({_repeating(part)})"
    name, front, behind = part.name, part.start, -(part.stop or 0)
    if part.is_whole:
        return f"${name}"
    if part.case == "same" and behind >= 0 and (front == 0 or behind == 0) and max(front, behind) <= len("?" * 12):
        return f"${{{name}#{'?' * front}}}" if front else f"${{{name}%{'?' * behind}}}"
    source = f"${{{name}%{'?' * behind}}}" if behind > 0 else f"${name}"
    command = f'printf %s "{source}"'
    if front or behind < 0:
        command += f" | cut -c {front + 1}-{-behind if behind < 0 else ''}"
    if part.case != "same":
        command += f" | tr {_TRANSLATIONS[part.case]}"
    return f"$({command})"


def _repeating(part: Repeated) -> str:
    """The command that prints a repetition."""
    unit, count = part
    if len(unit.encode()) == 1 and (unit.isprintable() or unit in "\n\t"):
        shown = {"\n": r"'\n'", "\t": r"'\t'", "\\": r"'\\'"}.get(unit) or shlex.quote(unit)
        return rf"head -c {count} /dev/zero | tr '\0' {shown}"
    return f"printf {shlex.quote(_escaped(unit) + '%.0s')} $(seq {count})"


def _escaped(text: str) -> str:
    """As printf writes it: escapes for what a terminal would not show."""
    shown = text.replace("\\", "\\\\").replace("%", "%%")
    return "".join(
        each if each.isprintable() else "".join(f"\\{byte:03o}" for byte in each.encode("utf-8", "surrogateescape"))
        for each in shown
    )


def is_inline(text: Text | bytes) -> bool:
    """Whether a text is short and visible enough for a word."""
    return not isinstance(text, bytes) and all(
        not isinstance(part, str)
        or (
            len(part) <= _INLINE_CHARACTERS
            and part.isprintable()
            and not any(isinstance(each, Repeated) for each in _repetitions(part))
        )
        for part in text
    )


def pipe(text: Text | bytes) -> str:
    """The commands that print the text, to be read by another."""
    if isinstance(text, bytes):
        text = (text.decode("utf-8", "surrogateescape"),)
    commands = [command for part in parts_of(text) for command in _printing(part)] or ["printf ''"]
    return commands[0] if len(commands) == 1 else f"{{ {'; '.join(commands)}; }}"


def _printing(part: str | Reference | Repeated) -> Iterator[str]:
    if isinstance(part, Repeated):
        yield _repeating(part)
    elif isinstance(part, Reference):
        yield f'printf %s "{_expanded(part)}"'
    else:
        yield from _counting(part)


def _counting(text: str) -> Iterator[str]:
    """A text; rows of rising numbers in it are counted rather than written."""
    found = _NUMBERED.search(text)
    counted = _counted(found[0]) if found else None
    if found is None or counted is None:
        yield f"printf %s {shlex.quote(text)}" if text.isprintable() else f"printf {shlex.quote(_escaped(text))}"
        return
    start, command, end = counted
    at = found.start()
    if text[: at + start]:
        yield from _counting(text[: at + start])
    yield command
    if text[at + end :]:
        yield from _counting(text[at + end :])


def _counted(text: str) -> tuple[int, str, int] | None:
    """Where a row of rising numbers begins and ends, and the command that prints it."""
    numbers = list(re.finditer("[0-9]+", text))
    first = numbers[0]
    between = text[first.end() : numbers[1].start()]
    last = first
    for number, found in enumerate(numbers[1:], 1):
        rises = int(found[0]) == int(first[0]) + number
        if not rises or text[last.end() : found.start()] != between:
            break
        last = found
    if int(last[0]) - int(first[0]) < 40:
        return None
    shape = shlex.quote(f"{_escaped(between)}%d")
    return first.end(), f"printf {shape} $(seq {int(first[0]) + 1} {last[0]})", last.end()
