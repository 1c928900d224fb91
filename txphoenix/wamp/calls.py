"""The two procedures of all workers: ``PREFIX.push`` and ``PREFIX.presence``.

They check what they are given, and have it done wherever in the fleet the topic is.
"""

from __future__ import annotations

from typing import Any, Protocol

from autobahn.wamp.exception import ApplicationError

from txphoenix.errors import MessageTooLarge, SerializerError

from .arguments import EMPTY, Arguments
from .call_errors import too_large
from .config import Settings
from .publisher import size_of
from .uris import URIs

__all__ = ["Calls"]


class Router(Protocol):
    """Finds who has a topic."""

    async def call(self, topic: str, method: str, timeout: float, *args: Any) -> Any:
        """Do something with a topic, wherever it is."""


class Calls:
    """What everybody may call.

    :param router: has it done; to be set before the first call.
    """

    def __init__(self, uris: URIs, settings: Settings) -> None:
        self._uris = uris
        self._settings = settings
        self._arguments = Arguments(uris)
        self.router: Router | None = None

    async def push(
        self,
        topic: str,
        event: str,
        payload: Any = EMPTY,
        timeout: float | None = None,
    ) -> Any:
        """Push an event to a topic, and return the response of the server's reply.

        A topic that nobody has subscribed to is joined for it, and kept for a while.

        :param payload: any JSON value, of which None is ``null``, or bytes; by default
            ``{}``.
        :param timeout: seconds, the join included; by default the bridge's.
        :raises ApplicationError: see :mod:`txphoenix.wamp.call_errors`.
        """
        self._arguments.check_text("topic", topic)
        self._arguments.check_text("event", event)
        self._arguments.check_timeout(timeout)
        seconds = self._settings.timeout if timeout is None else float(timeout)
        limit = self._settings.max_payload
        try:
            size = size_of(payload)
        except SerializerError as error:
            raise self._arguments.wrong(str(error)) from None
        if size > limit:
            raise too_large(
                self._uris, MessageTooLarge(size, limit), topic, event, False
            )
        return await self._route(topic, "push", seconds, event, payload)

    async def presence(self, topic: str) -> Any:
        """Who is present on a topic: key to entry, as Phoenix's ``presence_state``.

        :return: such as ``{"ann": {"metas": [{"phx_ref": "F1"}]}}``.
        :raises ApplicationError: see :mod:`txphoenix.wamp.call_errors`; a topic of
            which the server tells no presences ends with ``timeout``.
        """
        self._arguments.check_text("topic", topic)
        return await self._route(topic, "presence", self._settings.timeout)

    async def _route(self, topic: str, method: str, timeout: float, *args: Any) -> Any:
        if self.router is None:
            raise ApplicationError(self._uris.error("not_sent"), "the bridge is down")
        return await self.router.call(topic, method, timeout, *args)
