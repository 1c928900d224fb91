"""Who takes the messages of topics that no channel has, by topic.

Some servers send to a topic that nobody joins: Absinthe sends what a subscription gets
to a topic that it has made up, others a notice to everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..options.checks import topic_pattern
from ..protocol.message import Message
from ..runtime.hooks import Entries, Hooks, call_hooks
from ..runtime.remover import Remover

__all__ = ["TopicHooks"]


class TopicHooks:
    """The hooks of ``on_topic``: of whole topics, and of their beginnings."""

    __slots__ = ("_beginnings", "_topics")

    def __init__(self) -> None:
        # Apart, for there may be thousands of whole ones.
        self._topics: dict[str, Hooks] = {}
        self._beginnings: dict[str, Hooks] = {}

    def __len__(self) -> int:
        return len(self._topics) + len(self._beginnings)

    def add(self, topic: str, function: Callable[[Message], Any]) -> Remover:
        """Add a hook.

        :param topic: a topic, or the beginning of topics followed by ``*``.
        :return: a function that removes it.
        :raises ConfigurationError: ``topic`` is neither, or Phoenix's own.
        :raises TypeError: ``function`` cannot be called.
        """
        pattern = topic_pattern("the topic of on_topic", topic)
        is_beginning = pattern.endswith("*")
        held = self._beginnings if is_beginning else self._topics
        key = pattern[:-1] if is_beginning else pattern
        hooks = held.get(key) or Hooks()
        remove_hook = hooks.add(function)
        held[key] = hooks

        def remove() -> None:
            remove_hook()
            # What was removed already may have been added anew by somebody else.
            if not hooks and held.get(key) is hooks:
                del held[key]

        return remove

    def take(self, message: Message) -> bool:
        """Call all hooks of a message's topic: the nearer they name it, the earlier.

        :return: whether there were any.
        """
        topic = message.topic
        found: list[Entries] = []
        if topic in self._topics:
            found.append(self._topics[topic].entries)
        beginnings = [key for key in self._beginnings if topic.startswith(key)]
        beginnings.sort(key=len, reverse=True)
        found += [self._beginnings[key].entries for key in beginnings]
        # All are found before one is called, which may remove others.
        for entries in found:
            call_hooks(entries, message, called=("on_topic", topic))
        return bool(found)
