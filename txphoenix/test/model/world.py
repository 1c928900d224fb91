"""The client and the server in memory, with the model of both beside them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from txphoenix import (
    BufferFull,
    ChannelClosed,
    Message,
    NotConnected,
    SocketClient,
)
from txphoenix.protocol.backoff import steps

from .handed import Handed, Ledger
from .link import Link
from .promises import Promise, Promises
from .raw import RawPushes
from .server import ASYNC, EXPLODE, HOOKED, QUEUED, ModelServer
from .told import ToldPushes
from .topic import ModelChannel, ModelCrash, Topic, said_in

__all__ = ["TRANSPORTS", "World"]

TRANSPORTS = ("websocket", "longpoll", "fallback")
"""What a world may be over."""

_NAMES = ("topic:a", "topic:b", "topic:c")
# The server closes whoever says nothing for so long, which heartbeats must prevent.
_SERVER_TIMEOUT = 45.0


@implementer(ILogObserver)
class _Log:
    """Notices what is raised inside, for it is logged, and nothing more.

    :param promises: are told.
    """

    def __init__(self, promises: Promises) -> None:
        self._promises = promises

    def __call__(self, event: LogEvent) -> None:
        """Take an event."""
        failure = event.get("log_failure")
        if failure is not None and not failure.check(ModelCrash):
            what = f"{failure.type.__name__}: {failure.getErrorMessage()}"
            self._promises.broken(Promise.CALM, what)


class World:
    """A client and its server, and what a user was promised of them.

    :param transport: see :data:`TRANSPORTS`.
    :param options: of the client, beside those that the model sets.
    """

    def __init__(self, transport: str, options: dict[str, Any]) -> None:
        self.transport = transport
        self.promises = promises = Promises()
        self.server = server = ModelServer(
            promises,
            compression=True,
            timeout=_SERVER_TIMEOUT,
            connect=lambda *_: "someone",
        )
        self.clock = server.clock
        self.link = link = Link(
            promises, server, transport, options.get("push_buffer", 1000)
        )
        if transport == "longpoll":
            options["transport"] = "longpoll"
        elif transport == "fallback":
            options["longpoll_fallback"] = 2.5
        self.client = link.client = client = SocketClient(
            server.url,
            reactor=server.clock,
            endpoint=link,
            backoff=link.backoff,
            rejoin_backoff=steps([0.5, 1.0, 2.0, 5.0]),
            **options,
        )
        client.on_open(self._told_open)
        client.on_close(self._told_lost)
        client.on_error(link.told_error)
        # (room, event) -> the latest of its messages of which all is told.
        self._whole: dict[tuple[int, str], int] = {}
        self.ledger = Ledger(promises, server, link)
        self.raw = RawPushes(promises, server, link)
        listens = client.options.compression
        self.told = ToldPushes(promises, self.ledger, client, listens)
        self.topics = [Topic(name, promises, server) for name in _NAMES]
        self.held_params: list[Deferred[Any]] = []
        self.holds_params = False
        for topic in self.topics:
            make = partial(ModelChannel, view=topic)
            topic.channel = client.channel(topic.name, self._params, make)
        self._log = _Log(promises)
        globalLogPublisher.addObserver(self._log)

    # -- What the client tells -----------------------------------------------------

    def _params(self) -> Any:
        if not self.holds_params:
            return {"model": True}
        held: Deferred[Any] = Deferred()
        self.held_params.append(held)
        return held

    def _told_open(self) -> None:
        self.link.told_open()
        for topic in self.topics:
            topic.tries_anew()

    def _told_lost(self, reason: Any) -> None:
        was_asked = self.link.is_asked
        self.link.told_lost(reason)
        for topic in self.topics:
            topic.reader_since = None
            if was_asked and topic.phase == "joined":
                topic.phase = "wanted"

    def listen(self) -> None:
        """Have a hook for all messages."""
        self.client.on_message(self._told_message)

    def _told_message(self, message: Message) -> None:
        if message.event not in (HOOKED, QUEUED, EXPLODE):
            return
        said = said_in(message.payload)
        key, number = (said["room"], message.event), said["n"]
        latest = self._whole.get(key, 0)
        self._whole[key] = number
        what = f"on_message: {number} of room {key[0]} after {latest}"
        self.promises.hold(Promise.IN_ORDER, number == latest + 1, what)

    # -- What the user does --------------------------------------------------------

    def join(self, topic: Topic, timeout: float | None) -> None:
        """Join a topic."""
        least = self.client.options.timeout if timeout is None else timeout
        was_leaving = topic.phase == "leaving"

        def ask() -> Deferred[Any]:
            topic.joining(self.link.is_wanted)
            return topic.channel.join(timeout)

        handed = self.ledger.hand("join", topic, ask, least=least)
        if was_leaving and not topic.has_next():
            topic.has_next = lambda: not handed.fired

    def start_channel(self, topic: Topic) -> None:
        """Have a channel that is closed join as long as it takes."""
        if topic.phase == "closed":
            topic.joining(True)
            topic.is_patient = True
            # One that is started while the client stops ends with it.
            topic.was_stopped = any(it.kind == "stop" for it in self.ledger.open)
            channels, make = self.client.channels, lambda *_: topic.channel
            channels.start_channel(topic.name, channel_class=make)

    def leave(self, topic: Topic) -> None:
        """Leave a topic."""

        def ask() -> Deferred[Any]:
            topic.leaving()
            return topic.channel.leave()

        self.ledger.hand("leave", topic, ask, self.client.options.timeout)

    def stop_channel(self, topic: Topic) -> None:
        """Have a channel end at once."""
        topic.was_stopped = True
        topic.was_left = topic.was_left or topic.phase == "leaving"
        topic.has_next = lambda: False
        topic.channel.stop()

    def push(
        self, topic: Topic, event: str, timeout: float | None, size: int, binary: bool
    ) -> None:
        """Push, and wait for the reply."""
        self.ledger.number += 1
        number = self.ledger.number
        payload: Any = {"n": number, "pad": "ü" * size}
        if binary:
            payload = str(number).encode("ascii")
        within = self.client.options.timeout if timeout is None else timeout
        ask = lambda: topic.channel.push(event, payload, timeout)  # noqa: E731
        self.ledger.hand("push", topic, ask, within, number)

    def push_async(self, topic: Topic) -> None:
        """Push, and wait for nothing."""
        self.ledger.number += 1
        number, phase = self.ledger.number, topic.phase
        until = self.clock.seconds() + self.client.options.timeout
        try:
            topic.channel.push_async(ASYNC, {"n": number})
        except (ChannelClosed, NotConnected, BufferFull) as error:
            self.ledger.unsent.add(number)
            may = {
                ChannelClosed: phase in ("closed", "leaving"),
                NotConnected: not self.link.is_wanted,
                BufferFull: True,
            }
            what = f"push_async() while {phase}: {error!r}"
            self.promises.hold(Promise.TOLD, may[type(error)], what)
        else:
            self.ledger.asyncs.setdefault(topic.name, []).append(until)

    def push_raw(self, topic: Topic) -> None:
        """Have the client push by itself."""
        self.ledger.number += 1
        self.raw.push(topic, self.ledger.number)

    def cancel(self, place: int) -> None:
        """Cancel one of the Deferreds that have not fired."""
        able = [it for it in self.ledger.open if it.kind not in ("stop", "disconnect")]
        if able:
            handed = able[place % len(able)]
            handed.is_cancelled = True
            self.ledger.cancelled(handed)
            topic = handed.topic
            if topic is not None and handed.kind == "join":
                if topic.phase == "leaving":
                    topic.has_next = lambda: False
                topic.was_left = True
            if topic is not None and handed.kind == "receive":
                topic.reader_since = None
            handed.deferred.cancel()

    def read(self, topic: Topic) -> Handed:
        """Take a message of a channel's queue, or wait for one."""
        topic.reads(self.clock.seconds())
        return self.ledger.hand("receive", topic, topic.channel.receive)

    def ask(self, what: str, topic: Topic) -> None:
        """Ask for something else."""
        client, channel, hand = self.client, topic.channel, self.ledger.hand
        if what == "ping":
            hand("ping", None, client.ping, client.options.timeout)
            return
        # Of those who wait for the same there is rarely one alone.
        for _ in range(2):
            if what == "connected":
                hand("when_connected", None, client.when_connected)
            elif what == "settled":
                hand("when_settled", None, client.channels.when_settled)
            elif what == "writable":
                hand("when_writable", topic, channel.when_writable)
            else:
                hand("when_stopped", topic, channel.when_stopped)

    def disconnect(self) -> None:
        """Disconnect."""
        self._goodbye("disconnect", self.client.disconnect)

    def stop(self) -> None:
        """Stop the service."""
        for topic in self.topics:
            topic.was_stopped = True
            topic.was_left = topic.was_left or topic.phase == "leaving"
        self._goodbye("stop", self.client.stopService)

    def _goodbye(self, kind: str, ask: Callable[[], Deferred[Any]]) -> None:
        self.link.decide(False, ends=True)
        within = self.client.options.close_timeout + 1.0
        self.ledger.hand(kind, None, ask, within)

    def start(self) -> None:
        """Start the service, or connect."""
        self.link.decide(True, ends=False)
        self.client.startService()
        # Where that has led to an attempt that has failed, the next begins at once.
        self.link.decide(True, ends=False)
        self.client.connect()

    def reconfigure(self, **options: Any) -> None:
        """Change options."""
        if "params" in options:
            self.link.decide(self.link.is_wanted, ends=self.link.is_wanted)
        ask = partial(self.client.reconfigure, **options)
        self.ledger.hand("reconfigure", None, ask)

    # -- Time and bytes -------------------------------------------------------------

    def flush(self) -> None:
        """Carry bytes until all is quiet."""
        self.server.flush()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.server.advance(seconds)

    def check(self) -> None:
        """What must be so after each step.

        :raises Broken: a promise was broken.
        """
        options, now = self.client.options, self.clock.seconds()
        self.ledger.check()
        self.told.check()
        self.link.check(options)
        patience = options.heartbeat_interval + options.heartbeat_timeout
        for topic in self.topics:
            topic.check(now, patience)
        self.promises.check()

    def close(self) -> None:
        """Be done with it."""
        self.told.close()
        globalLogPublisher.removeObserver(self._log)
