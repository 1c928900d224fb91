"""The topics that this process holds, each with its place on a Phoenix socket."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime

from txphoenix.errors import MessageTooLarge, PhoenixError, SerializerError

from .call_errors import call_error, too_large
from .config import Settings
from .held_topic import HeldTopic
from .publisher import Publisher, check_size
from .sockets import Sockets
from .uris import URIs

__all__ = ["Topics"]


class Topics:
    """Joins topics, publishes what comes on them, and pushes to them.

    It is a :class:`~txphoenix.wamp.interfaces.TopicHolder`.

    :param publisher: publishes what comes.
    :param clock: the reactor, or the clock of a test.
    """

    def __init__(
        self,
        settings: Settings,
        uris: URIs,
        publisher: Publisher,
        clock: IReactorTime,
    ) -> None:
        self._settings = settings
        self._uris = uris
        self.publisher = publisher
        self._clock = clock
        self.sockets = Sockets(
            lambda number: settings.new_client(number, clock),
            settings.channels_per_socket,
            settings.idle,
            clock,
        )
        self._held: dict[str, HeldTopic] = {}

    @property
    def held(self) -> Collection[str]:
        """The topics that are joined, or may be."""
        return self._held.keys()

    async def take(self, topic: str) -> None:
        """Join a topic, and publish its events from now on.

        What the join was refused with is raised, as callers get it.
        """
        try:
            await self._take(topic).joined()
        except PhoenixError as error:
            raise call_error(self._uris, error, topic) from error

    async def drop(self, topic: str, why: Exception) -> None:
        """Leave a topic: its calls fail with ``why`` at once."""
        held = self._held.get(topic)
        if held is None:
            return
        try:
            await held.leave(why, self._settings.timeout)
        finally:
            # Also if nobody waits for it any more: the leave goes on.
            if self._held.get(topic) is held:
                del self._held[topic]
                self.publisher.forget(topic)
                self.sockets.free(held.socket)

    async def push(
        self, topic: str, event: str, payload: Any, timeout: float | None
    ) -> Any:
        """Push to a topic that is held, and return the response of its reply."""
        try:
            check_size(payload, self._settings.max_payload)
        except MessageTooLarge as error:
            raise too_large(self._uris, error, topic, event, False) from None
        except PhoenixError as error:
            raise call_error(self._uris, error, topic, event) from error
        seconds = self._settings.timeout if timeout is None else timeout
        try:
            response = await self._holding(topic).push(event, payload, seconds)
        except PhoenixError as error:
            told = call_error(self._uris, error, topic, event)
            for answer in told.args:
                self._check_answer(answer, topic, event, True)
            raise told from error
        self._check_answer(response, topic, event, True)
        return response

    async def presence(self, topic: str) -> dict[str, Any]:
        """The presence state of a topic that is held, once it is synced."""
        try:
            state = await self._holding(topic).presence(self._settings.timeout)
        except PhoenixError as error:
            raise call_error(self._uris, error, topic) from error
        self._check_answer(state, topic, "presence_state", False)
        return state

    async def stop(self, why: Exception) -> None:
        """Leave all, and close all sockets: the session has ended.

        Nothing is published any more, and calls fail with ``why`` at once.
        No leave is waited for, as the server drops the topics of a closed socket.
        """
        self.publisher.stop()
        dropped = [
            Deferred.fromCoroutine(self.drop(topic, why)) for topic in list(self._held)
        ]
        await self.sockets.stop()
        await DeferredList(dropped)

    def _check_answer(
        self, answer: Any, topic: str, event: str, was_sent: bool
    ) -> None:
        try:
            check_size(answer, self._settings.max_payload)
        except SerializerError as error:
            raise too_large(self._uris, error, topic, event, was_sent) from None

    def _take(self, topic: str) -> HeldTopic:
        held = self._held.get(topic)
        if held is None:
            settings = self._settings
            topics: Mapping[str, Any] = settings.topics
            socket = self.sockets.place()
            try:
                held = HeldTopic(
                    topic, topics.get(topic), socket, self.publisher, self._clock
                )
            except BaseException:
                # Nothing is held that would give the place back.
                self.sockets.free(socket)
                raise
            self._held[topic] = held
        return held

    def _holding(self, topic: str) -> HeldTopic:
        held = self._held.get(topic)
        if held is None:
            raise ApplicationError(
                self._uris.error("moved"),
                "the topic is not held here any more: call again",
                topic=topic,
            )
        return held
