"""What callers may give: checked in one place for the entry and for a topic's owner."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autobahn.wamp.exception import ApplicationError

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

    def check_text(self, name: str, value: object) -> None:
        """Check a topic or an event."""
        if not isinstance(value, str):
            raise self.wrong(f"{name} must be a string, not {value!r:.100}")

    def check_timeout(self, timeout: object) -> None:
        """Check a timeout; None stands for the bridge's own."""
        if timeout is not None and (
            isinstance(timeout, bool)
            or not isinstance(timeout, int | float)
            or not (math.isfinite(timeout) and timeout > 0)
        ):
            raise self.wrong(
                f"timeout must be more than 0 seconds, not {timeout!r:.100}"
            )

    def wrong(self, text: str) -> ApplicationError:
        """The error of an argument that is not what it must be."""
        return ApplicationError(
            self._uris.error("invalid_argument"), text, **self._where
        )
