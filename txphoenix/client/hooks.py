"""Whom a client tells what happens to its connection, and what has come by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from weakref import ref

from ..channels.channel_observer import ChannelObserver
from ..errors import ConnectionFailed, DecodeError
from ..options.options import Options
from ..options.shown_name import shown_name
from ..protocol.message import Message
from ..runtime.assignments import never_assigned
from ..runtime.hooks import Entries, added_hook, call_hooks
from ..runtime.remover import Remover

if TYPE_CHECKING:
    from .topic_hooks import TopicHooks

__all__ = ["ClientHooks", "HookLists"]


class Optioned(Protocol):
    """A client, as its hooks know it."""

    @property
    def options(self) -> Options:
        """Its options."""


class HookLists(ChannelObserver):
    """The hooks of one client, by what they are called at.

    Most clients have none of most kinds, so there is no object for each kind.

    :param client: whose they are, for the log, which has ``str()`` of this.
    """

    __slots__ = (
        "_client",
        "close",
        "error",
        "heartbeat",
        "message",
        "open",
        "topics",
    )

    def __init__(self, client: Optioned) -> None:
        # Whoever keeps what removes a hook keeps these, and shall not keep the client.
        self._client = ref(client)
        self.open: Entries = ()
        self.close: Entries = ()
        self.error: Entries = ()
        self.heartbeat: Entries = ()
        self.message: Entries = ()
        self.topics: TopicHooks | None = None

    def __str__(self) -> str:
        """The client's name."""
        client = self._client()
        return "a client that is gone" if client is None else shown_name(client.options)

    def opened(self) -> None:
        """Call the hooks of ``on_open``."""
        call_hooks(self.open, called=("on_open", self))

    def closed(self, reason: ConnectionFailed) -> None:
        """Call the hooks of ``on_close``."""
        call_hooks(self.close, reason, called=("on_close", self))

    def heartbeat_answered(self, round_trip: float) -> None:
        """Call the hooks of ``on_heartbeat``."""
        call_hooks(self.heartbeat, round_trip, called=("on_heartbeat", self))

    def payload_undecoded(self, channel: object, error: DecodeError) -> None:
        """Call the hooks of ``on_error``."""
        self.tell_error(error)

    def tell_error(self, error: BaseException) -> None:
        """Call the hooks of ``on_error``."""
        call_hooks(self.error, error, called=("on_error", self))


class ClientHooks:
    """A :class:`txphoenix.SocketClient`, but for all else."""

    options: Options

    def __init__(self) -> None:
        self._hook_lists = HookLists(self)

    @never_assigned("call client.on_open(function)")
    def on_open(self, function: Callable[[], Any]) -> Remover:
        """Add a hook, called without arguments when the connection has opened.

        :return: a function that removes the hook.
        """
        return added_hook(self._hook_lists, "open", function)

    @never_assigned("call client.on_close(function)")
    def on_close(self, function: Callable[[ConnectionFailed], Any]) -> Remover:
        """Add a hook, called with the reason when the open connection has ended.

        :return: a function that removes the hook.
        """
        return added_hook(self._hook_lists, "close", function)

    @never_assigned("call client.on_error(function)")
    def on_error(self, function: Callable[[Exception], Any]) -> Remover:
        """Add a hook, called with the error when an attempt to connect has failed, a
        frame came that is no message, a message that was kept or a heartbeat cannot be
        encoded, a decoder has not taken a payload, or a channel of ``join_channels``
        cannot be made.

        :return: a function that removes the hook.
        """
        return added_hook(self._hook_lists, "error", function)

    @never_assigned("call client.on_heartbeat(function)")
    def on_heartbeat(self, function: Callable[[float], Any]) -> Remover:
        """Add a hook, called with the round trip of each heartbeat that is answered.

        That is the seconds from the heartbeat to its answer.
        A :meth:`~txphoenix.SocketClient.ping` is a heartbeat too, and the hook is
        called before its Deferred fires.
        One that is never answered is told as the loss of the connection, with
        :exc:`HeartbeatTimeout`.
        Long-poll has no heartbeats, as each poll shows that the server is there: over
        it the hook is called for what ``ping()`` asks, and for nothing else.

        :return: a function that removes the hook.
        """
        return added_hook(self._hook_lists, "heartbeat", function)

    @never_assigned("call client.on_message(function)")
    def on_message(self, function: Callable[[Message], Any]) -> Remover:
        """Add a hook, called with each :class:`Message` before its channel has it.

        :return: a function that removes the hook.
        """
        return added_hook(self._hook_lists, "message", function)

    @never_assigned("call client.on_topic(topic, function)")
    def on_topic(self, topic: str, function: Callable[[Message], Any]) -> Remover:
        """Add a hook for the messages of topics that no channel of this client has.

        It is called with each :class:`Message`, replies and Phoenix's own events too,
        and what it was called with counts as delivered, not as unrouted.
        A channel that joins the topic takes its messages over, until it is closed.
        All hooks of a message are called, first those of its topic, then those of
        beginnings, the longest first.

        :param topic: a topic, such as ``"news:local"``, or the beginning of topics
            followed by ``*``, such as ``"news:*"``; ``"*"`` stands for all.
        :return: a function that removes the hook.
        :raises ConfigurationError: ``topic`` is neither, or ``"phoenix"``, the topic of
            the heartbeats, which are nobody's.
        :raises TypeError: ``function`` cannot be called.
        """
        # Few clients have any.
        from .topic_hooks import TopicHooks

        hooks = self._hook_lists
        if hooks.topics is None:
            hooks.topics = TopicHooks()
        return hooks.topics.add(topic, function)
