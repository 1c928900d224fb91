"""The channel of a bridged topic: all that comes on it is published."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from txphoenix import Channel, Message, Presence
from txphoenix.errors import (
    ChannelClosed,
    ConnectionFailed,
    JoinError,
    NotConnected,
    PhoenixError,
)
from txphoenix.runtime.package_log import package_log

from .call_errors import join_answer
from .publisher import PHX_JOIN, Publisher

__all__ = ["BridgedChannel"]

log = Logger("txphoenix.wamp", observer=package_log)

_ENDINGS = (ChannelClosed, NotConnected, ConnectionFailed)


class BridgedChannel(Channel):
    """Publishes each event of its topic, those of Presence among them.

    While the router does not take what is published, messages stay in the queue of
    :meth:`receive`, and a full one holds the server back.

    :ivar publisher: publishes; to be set before the join.
    """

    restart = "permanent"

    publisher: Publisher

    # Whether messages go by way of the queue just now.
    _is_behind = False
    # Whether subscribers were told of an interruption, and of no join since.
    _was_interrupted = False
    # Who waits for the presences.
    _synced: tuple[Deferred[None], ...] = ()

    def watch(self) -> None:
        """Tell subscribers of interruptions; called once, before the join."""
        self.on_error(self._interrupted)

    def handle_message(self, message: Message) -> None:
        """Publish a message, or keep it for as long as the router is behind."""
        if self._synced and message.event in self.presence_events:
            self._tell_synced()
        if self._is_behind:
            super().handle_message(message)
            return
        self.publisher.publish(self.topic, message.event, message.payload)
        if not self.publisher.is_writable:
            self._is_behind = True
            # Asked for before the next message comes: a queue with a reader drops none.
            Deferred.fromCoroutine(self._catch_up(self.receive())).addErrback(
                lambda failure: log.failure(
                    "{topic}: publishing raised", failure, topic=self.topic
                )
            )

    def handle_join(self, response: Any) -> None:
        """Tell subscribers of an interrupted topic that it goes on."""
        if self._was_interrupted:
            self._was_interrupted = False
            self.publisher.publish(self.topic, PHX_JOIN, {"response": response})

    def handle_close(self, reason: object) -> None:
        """Fail who waits for presences that will not come."""
        self.fail_synced(ChannelClosed(reason, self.topic))

    def presence(self) -> dict[str, Any] | None:
        """Who is present, as JSON has it; None before the server has said it."""
        presence = Presence(self)
        try:
            return dict(presence.state) if presence.synced else None
        finally:
            presence.stop()

    def when_synced(self) -> Deferred[None]:
        """Wait until there is a :meth:`presence`.

        It fails with :exc:`ChannelClosed` if the channel ends before that.
        """

        def forget(cancelled: Deferred[None]) -> None:
            self._synced = tuple(it for it in self._synced if it is not cancelled)

        waiting: Deferred[None] = Deferred(forget)
        self._synced = (*self._synced, waiting)
        return waiting

    def _tell_synced(self) -> None:
        if self.presence() is None:
            return
        waiting, self._synced = self._synced, ()
        for deferred in waiting:
            if not deferred.called:
                deferred.callback(None)

    def fail_synced(self, error: PhoenixError) -> None:
        """Fail who waits for presences."""
        waiting, self._synced = self._synced, ()
        for deferred in waiting:
            if not deferred.called:
                deferred.errback(error)

    def _interrupted(self, error: BaseException) -> None:
        self._was_interrupted = True
        refusal = join_answer(error) if isinstance(error, JoinError) else None
        if refusal is None:
            self.publisher.tell(self.topic, "interrupted", str(error))
        else:
            self.publisher.tell(
                self.topic, "join_refused", str(error), response=refusal.response
            )

    async def _catch_up(self, waiting: Deferred[Message]) -> None:
        publisher = self.publisher
        try:
            while True:
                await publisher.when_writable()
                if not waiting.called:
                    waiting.addErrback(lambda failure: failure.trap(CancelledError))
                    waiting.cancel()
                    break
                message = await waiting
                publisher.publish(self.topic, message.event, message.payload)
                waiting = self.receive()
        except _ENDINGS:
            # What is left of an ended channel is for nobody.
            pass
        finally:
            self._is_behind = False
