"""The parts of one bridge, put together for as long as its session lives."""

from __future__ import annotations

from typing import Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from .calls import Calls
from .config import Settings
from .fleet import Fleet
from .publisher import Publisher
from .topics import Topics
from .uris import URIs

__all__ = ["Bridge"]

# How much longer than a leave waits for its answer the fleet waits for the leave.
_GRACE = 5.0


class Bridge:
    """One worker: its topics, what it offers to callers, and its part in the fleet.

    :param session: the WAMP session, which has joined.
    """

    def __init__(
        self, session: Any, uris: URIs, settings: Settings, clock: IReactorTime
    ) -> None:
        self._uris = uris
        publisher = Publisher(session, uris, settings.max_payload, clock)
        self.topics = Topics(settings, uris, publisher, clock)
        calls = Calls(uris, settings)
        self.fleet = calls.router = Fleet(
            session,
            uris,
            self.topics,
            clock,
            {uris.push: calls.push, uris.presence: calls.presence},
            always=settings.topics,
            idle=settings.idle,
            drop_timeout=settings.timeout + _GRACE,
        )

    async def start(self) -> None:
        """Become a worker of the fleet, and take topics from now on."""
        await self.fleet.start()

    async def hand_over(self) -> None:
        """Leave all topics while the session lives, so that others can have them.

        Then there is no Phoenix socket any more.
        """
        await self.fleet.stop()
        await self.topics.stop(self._ended("the bridge has left"))

    async def stop(self, why: str) -> None:
        """Publish nothing more, and close all Phoenix sockets: the session has ended.

        Calls that are under way fail.
        """
        fleet = Deferred.fromCoroutine(self.fleet.stop())
        await self.topics.stop(self._ended(why))
        await fleet

    def _ended(self, why: str) -> ApplicationError:
        return ApplicationError(self._uris.error("interrupted"), why)
