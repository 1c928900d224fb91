"""What can be completed: commands, their options, topics, and events seen on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from ...legible import cut
from ..console_commands import COMMANDS, WrongCall, read_call

__all__ = ["MOST", "CallCompleter", "Seen"]

MOST: Final = 100
"""How many topics are remembered, and how many events of each."""

_WIDEST: Final = 60

# Nobody completes an event with a longer name, and a server may make up any.
_LONGEST: Final = 200


class Seen:
    """Topics that were joined, and events that came or were pushed.

    What is oldest is forgotten first, for a server may send any number of events.

    :ivar topics: the topics and their events, the latest last.
    """

    def __init__(self) -> None:
        self.topics: dict[str, dict[str, None]] = {}

    def add(self, topic: str, event: str | None = None) -> None:
        """Remember a topic, and an event of it."""
        events = self.topics.pop(topic, {})
        self.topics[topic] = events
        _bound(self.topics)
        if event is not None and len(event) <= _LONGEST:
            events.pop(event, None)
            events[event] = None
            _bound(events)

    def add_line(self, line: str) -> None:
        """Remember what is in a line that was typed."""
        with suppress(WrongCall):
            call = read_call(line)
            if call is not None and call.command.words[:1] == ("TOPIC",):
                self.add(*call.words)


def _is_typeable(word: str) -> bool:
    return word.isprintable() and re.fullmatch(r"\S+", word) is not None


def _bound(held: dict[str, dict[str, None]] | dict[str, None]) -> None:
    if len(held) > MOST:
        del held[next(iter(held))]


class CallCompleter(Completer):
    """Completes the word at the cursor.

    What cannot be typed as one word, such as an event with a space or an escape
    sequence in it, is not offered.

    :param seen: topics and events.
    :param joined: gives the topics that are joined now.
    """

    def __init__(self, seen: Seen, joined: Callable[[], Iterable[str]]) -> None:
        self._seen = seen
        self._joined = joined

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """What the word may become."""
        *words, begun = re.split(r"\s+", document.text_before_cursor.lstrip())
        # As shells do it, so that one can go on typing.
        end = "" if document.current_char.isspace() else " "
        for word, meaning in self._offers(words, begun).items():
            if word.startswith(begun) and _is_typeable(word):
                yield Completion(word + end, -len(begun), cut(word, _WIDEST), meaning)

    def _offers(self, words: list[str], begun: str) -> dict[str, str]:
        """Words, and what each of them does."""
        slash = "/" if begun.startswith("/") else ""
        names = {slash + name: each.summary for name, each in COMMANDS.items()}
        if not words:
            return names
        command = COMMANDS.get(words[0].removeprefix("/"))
        if command is None:
            return {}
        if command.options and begun.startswith("--"):
            return dict.fromkeys(command.options, "")
        given = [word for word in words[1:] if word not in command.options]
        if len(given) >= len(command.words):
            return {}
        kind = command.words[len(given)]
        if kind == "COMMAND":
            return names
        joined = list(self._joined())
        if kind == "EVENT":
            offers = [*self._seen.topics.get(given[0], ())]
        elif command.name == "join":
            offers = [topic for topic in self._seen.topics if topic not in joined]
        else:
            return dict.fromkeys(joined, "")
        return dict.fromkeys(reversed(offers), "")
