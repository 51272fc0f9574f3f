"""The curl lines that repeat a story from nothing."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence

from adjourn_contract.transport.exchange import Exchange

__all__ = ["curl_lines"]


def curl_lines(
    exchanges: Sequence[Exchange], url: str, *, key: str, other_key: str | None = None, tag: str = ""
) -> list[str]:
    """Shell lines that say the same again: ids, tokens and the run's id are caught anew.

    Keys stand there as `$TRIGGER_SECRET_KEY` and `$ADJOURN_OTHER_SECRET_KEY`, never whole.

    Args:
        exchanges: the story.
        url: the server's base URL.
        key: the secret key, which is replaced; `other_key` likewise.
        tag: the run's id in externalIds, which is replaced by a fresh one.
    """
    writer = _Writer(url, key, other_key, tag)
    lines = [writer.line(exchange) for exchange in exchanges]
    return [*writer.start(lines), *lines]


class _Writer:
    """Writes one line after the other; remembers which text is which variable."""

    def __init__(self, url: str, key: str, other_key: str | None, tag: str) -> None:
        self._url = url
        self._variables = {key: "TRIGGER_SECRET_KEY"}
        if other_key:
            self._variables[other_key] = "ADJOURN_OTHER_SECRET_KEY"
        self._tag = tag
        if tag:
            self._variables[tag] = "RUN"
        self._count = 0

    def start(self, lines: Sequence[str]) -> list[str]:
        starts = [f"export TRIGGER_API_URL={shlex.quote(self._url)}"]
        if any('"$RUN"' in line for line in lines):
            starts.append("RUN=$(date +%s%N)")
        return starts

    def line(self, exchange: Exchange) -> str:
        if exchange.wire_bytes is not None:
            return self._raw(exchange)
        words = [r"curl -sS -i --path-as-is -g -w '\n'"]
        if exchange.method == "HEAD":
            words.append("-I")
        elif exchange.method != ("GET" if exchange.body is None else "POST"):
            words.append(f"-X {exchange.method}")
        words.append('"$TRIGGER_API_URL"' + self._quoted(exchange.target))
        words += [f"-H {self._quoted(f'{name}: {value}' if value else f'{name};')}" for name, value in exchange.headers]
        if exchange.chunked:
            words.append("-H 'Transfer-Encoding: chunked'")
        if exchange.body is not None:
            if not any(name == "Content-Type" for name, _ in exchange.headers):
                words.append("-H 'Content-Type:'")
            return self._with_body(words, exchange)
        return self._caught(" ".join(words), exchange)

    def _with_body(self, words: list[str], exchange: Exchange) -> str:
        body = exchange.body or b""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text or len(body) > 4096:
            octal = "".join(f"\\{byte:03o}" for byte in body)
            return self._caught(f"printf {shlex.quote(octal)} | {' '.join([*words, '--data-binary @-'])}", exchange)
        quoted = self._quoted(text)
        # What starts with @ is a file name to curl; --data-raw takes it as it is, but drops no line feeds either.
        return self._caught(" ".join([*words, f"--data-raw {quoted}" if text else "--data-raw ''"]), exchange)

    def _raw(self, exchange: Exchange) -> str:
        sent = (exchange.wire_bytes or b"")[:4096].decode("latin-1")
        return f"# sent as raw bytes: {self._masked(json.dumps(sent))}"

    def _caught(self, command: str, exchange: Exchange) -> str:
        """The command; where it makes a session, its id and token are kept in variables."""
        value = exchange.value
        if exchange.status != 201 or not isinstance(value, dict) or not isinstance(value.get("id"), str):
            return command
        self._count += 1
        number = self._count
        self._variables[value["id"]] = f"ID{number}"
        line = f'MADE{number}=$({command}); echo "$MADE{number}"; ID{number}=$({_member(number, "id")})'
        if isinstance(value.get("publicAccessToken"), str):
            self._variables[value["publicAccessToken"]] = f"TOKEN{number}"
            line += f"; TOKEN{number}=$({_member(number, 'publicAccessToken')})"
        return line

    def _quoted(self, text: str) -> str:
        """A shell word in which known texts are variables."""
        pattern = "|".join(re.escape(known) for known in sorted(self._variables, key=len, reverse=True))
        pieces = re.split(f"({pattern})", text)
        return (
            "".join(
                f'"${self._variables[piece]}"' if piece in self._variables else shlex.quote(piece)
                for piece in pieces
                if piece
            )
            or "''"
        )

    def _masked(self, text: str) -> str:
        for known, name in self._variables.items():
            text = text.replace(known, f"${name}")
        return text


def _member(number: int, name: str) -> str:
    return f'printf %s "$MADE{number}" | grep -o \'"{name}" *: *"[^"]*"\' | head -n 1 | cut -d\'"\' -f4'
