"""What callers may give: checked in one place for the entry and for a topic's owner."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from autobahn.wamp.exception import ApplicationError

from txphoenix.errors import ConfigurationError
from txphoenix.legible import legible

from .uris import check_topic

if TYPE_CHECKING:
    from .interfaces import FleetURIs

__all__ = ["EMPTY", "Arguments"]

EMPTY: dict[str, Any] = {}
"""The payload of a push without one; None is a payload."""


class Arguments:
    """Says what is wrong with an argument.

    :param where: what the errors carry, such as the topic.
    """

    def __init__(self, uris: FleetURIs, **where: str) -> None:
        self._uris = uris
        self._where = where

    def check_topic(self, topic: object) -> None:
        """Check that a channel can have a topic."""
        try:
            check_topic(topic)
        except ConfigurationError as error:
            raise self.wrong(str(error)) from None

    def check_event(self, event: object) -> None:
        """Check an event's name."""
        if not isinstance(event, str):
            raise self.wrong(f"event must be a string, not {legible(event, 100)}")

    def check_timeout(self, timeout: object) -> None:
        """Check a timeout; None stands for the bridge's own."""
        if timeout is not None and (
            isinstance(timeout, bool)
            or not isinstance(timeout, int | float)
            # Neither NaN, infinity nor what is too large for a float passes.
            or not 0 < timeout <= sys.float_info.max
        ):
            raise self.wrong(
                f"timeout must be more than 0 seconds, not {legible(timeout, 100)}"
            )

    def wrong(self, text: str) -> ApplicationError:
        """The error of an argument that is not what it must be."""
        return ApplicationError(
            self._uris.error("invalid_argument"), text, **self._where
        )
