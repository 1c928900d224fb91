"""The two procedures that everybody calls: ``PREFIX.push`` and ``PREFIX.presence``.

They check what they are given, and have it done wherever in the fleet the topic is.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

from autobahn.wamp.exception import ApplicationError

from txphoenix.errors import ConfigurationError, MessageTooLarge, SerializerError
from txphoenix.legible import legible

from .call_errors import too_large
from .config import Settings
from .publisher import check_size
from .uris import URIs, check_topic

__all__ = ["Calls"]

# The payload of a push without one; None is a payload.
_EMPTY: dict[str, Any] = {}


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
        self.router: Router | None = None

    async def push(
        self,
        topic: str,
        event: str,
        payload: Any = _EMPTY,
        timeout: float | None = None,
    ) -> Any:
        """Push an event to a topic, and return the response of the server's reply.

        A topic that nobody has subscribed to is joined for it, and kept for a while.

        :param payload: any JSON value, of which None is ``null``, or bytes; by default
            ``{}``.
        :param timeout: seconds, the join included; by default the bridge's.
        :raises ApplicationError: see :mod:`txphoenix.wamp.call_errors`.
        """
        self._check_topic(topic)
        if not isinstance(event, str):
            raise self._invalid(f"event must be a string, not {legible(event, 100)}")
        seconds = self._check_timeout(timeout)
        try:
            check_size(payload, self._settings.max_payload)
        except MessageTooLarge as error:
            raise too_large(self._uris, error, topic, event, False) from None
        except SerializerError as error:
            raise self._invalid(str(error)) from None
        return await self._route(topic, "push", seconds, event, payload)

    async def presence(self, topic: str) -> Any:
        """Who is present on a topic: key to entry, as Phoenix's ``presence_state``.

        :return: such as ``{"ann": {"metas": [{"phx_ref": "F1"}]}}``.
        :raises ApplicationError: see :mod:`txphoenix.wamp.call_errors`; a topic of
            which the server tells no presences ends with ``timeout``.
        """
        self._check_topic(topic)
        return await self._route(topic, "presence", self._settings.timeout)

    async def _route(self, topic: str, method: str, timeout: float, *args: Any) -> Any:
        if self.router is None:
            raise ApplicationError(self._uris.error("not_sent"), "the bridge is down")
        return await self.router.call(topic, method, timeout, *args)

    def _check_topic(self, topic: object) -> None:
        try:
            check_topic(topic)
        except ConfigurationError as error:
            raise self._invalid(str(error)) from None

    def _check_timeout(self, timeout: object) -> float:
        if timeout is None:
            return self._settings.timeout
        if (
            isinstance(timeout, bool)
            or not isinstance(timeout, int | float)
            # Neither NaN, infinity nor what is too large for a float passes.
            or not 0 < timeout <= sys.float_info.max
        ):
            raise self._invalid(
                f"timeout must be more than 0 seconds, not {legible(timeout, 100)}"
            )
        return float(timeout)

    def _invalid(self, text: str) -> ApplicationError:
        return ApplicationError(self._uris.error("invalid_argument"), text)
