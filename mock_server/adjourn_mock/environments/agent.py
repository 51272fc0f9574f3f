"""What the agent of an environment answers: rules that a test can set, and the chunks that a turn is written in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adjourn_mock.domain.errors import UserError
from adjourn_mock.domain.records import Message

__all__ = ["AgentScript", "OnClose", "Rule", "Turn", "chunks_of", "read_rule", "read_script"]

OnClose = Literal["end", "announce", "ignore"]
Chunk = dict[str, Any]
MAX_RULES = 1000


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One answer of the agent.

    Attributes:
        text: what it says, `{text}` being the user's message; None for nothing.
        chunks: UI message chunks instead of a text, as they are.
        error: ends the answer with an error chunk of this text.
        delay_milliseconds: how long it waits before each chunk.
        completes: whether it completes the turn; without, a reader waits until its time is over.
        closes: closes the session with this reason at the end of the turn; an empty text for no reason.
    """

    text: str | None = None
    chunks: tuple[Chunk, ...] | None = None
    error: str | None = None
    delay_milliseconds: Annotated[int, Meta(ge=0, le=600_000)] = 0
    completes: bool = True
    closes: str | None = None


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Answers to some messages: the first message gets the first turn, and so on; the last turn is for all later ones.

    Attributes:
        turns: the answers.
        session: only messages of the session with this externalId or friendly id.
        text: only messages with exactly this text.
        contains: only messages with this in their text.
        trigger: only messages with this trigger, such as regenerate-message.
    """

    turns: Annotated[tuple[Turn, ...], Meta(min_length=1)]
    session: str | None = None
    text: str | None = None
    contains: str | None = None
    trigger: str | None = None

    def matches(self, names: Sequence[str | None], message: Message) -> bool:
        """Whether a message of the session with these names is meant."""
        return (
            (self.session is None or self.session in names)
            and (self.text is None or self.text == message.text)
            and (self.contains is None or self.contains in (message.text or ""))
            and (self.trigger is None or self.trigger == message.trigger)
        )


_ECHO = Rule(turns=(Turn(text="echo: {text}"),))


class AgentScript(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What the agent of an environment does.

    Attributes:
        rules: the first that matches a message answers it; without any the agent echoes.
        on_close: what it does with a close record: `end` its run silently, as the vendor's agent does; `announce` it
            with a `session-closed` record on `out` as well; `ignore` it.
    """

    rules: tuple[Rule, ...] = ()
    on_close: OnClose = "end"

    def rule_for(self, names: Sequence[str | None], message: Message) -> tuple[int, Rule]:
        """The rule that answers a message, and its place; -1 for the built-in echo."""
        for index, rule in enumerate(self.rules):
            if rule.matches(names, message):
                return index, rule
        return -1, _ECHO

    def with_rule(self, rule: Rule) -> AgentScript:
        """It with a rule that comes before all others.

        Raises:
            ValueError: the limit of rules is reached.
        """
        if len(self.rules) >= MAX_RULES:
            raise UserError(f"{MAX_RULES} rules are set, which is the limit; clear the script")
        return msgspec.structs.replace(self, rules=(rule, *self.rules))


def read_rule(value: Mapping[str, Any]) -> Rule:
    """A rule from JSON members.

    Raises:
        ValueError: a member is not as it should be.
    """
    try:
        return msgspec.convert(dict(value), Rule)
    except msgspec.ValidationError as error:
        raise UserError(f"a rule of the agent: {error}") from None


def read_script(value: Any) -> AgentScript:
    """A script from JSON members.

    Raises:
        UserError: a member is not as it should be.
    """
    try:
        return msgspec.convert(value, AgentScript)
    except msgspec.ValidationError as error:
        raise UserError(f"the agent's script: {error}") from None


def chunks_of(turn: Turn, message: Message, message_id: str) -> Sequence[Chunk]:
    """The UI message chunks of a turn."""
    if turn.chunks is not None:
        written: list[Chunk] = list(turn.chunks)
    elif turn.text is not None:
        said = turn.text.replace("{text}", message.text or "")
        written = [
            {"type": "start", "messageId": message_id},
            {"type": "start-step"},
            {"type": "text-start", "id": "text-1"},
            {"type": "text-delta", "id": "text-1", "delta": said},
            {"type": "text-end", "id": "text-1"},
            {"type": "finish-step"},
            {"type": "finish"},
        ]
    else:
        written = []
    return written if turn.error is None else [*written, {"type": "error", "errorText": turn.error}]
