"""The log that Autobahn's protocol is given.

Autobahn logs at level debug what it sends and receives, request headers with
their tokens included, and makes the text of most lines even if nobody listens.
Here everything below a warning is dropped unseen.
Its warnings, and that TLS has failed, tell of the end of a connection, as it drops each
whose handshake has failed; the client tells of that itself, and of why.
So they are of level debug here.
What is left goes to :mod:`twisted.logger` with its secrets cut out.
"""

from __future__ import annotations

import re

from twisted.logger import Logger, LogLevel, formatEvent

from ..protocol.redact import REDACTED, redact_url
from .package_log import package_log

__all__ = ["QuietLog"]

# Compiled at their first use, which an import need not wait for.
# A quote may be a part of it, and one at its end, and what follows that, is none.
_URL = r"\b(?:wss?|https?)://\S*[^\s'\"<>()\[\]{},:;.]"

# Phoenix 1.8 takes its auth token as the tail of a subprotocol's name, and Autobahn
# lists the subprotocols that were offered when the server chose none of them.
_TOKEN = r"(base64url\.bearer\.phx\.)[A-Za-z0-9+/=_-]+"


class QuietLog:
    """Stands where Autobahn has a txaio logger.

    :param namespace: the namespace of the lines that are passed on.
    """

    def __init__(self, namespace: str = "txphoenix") -> None:
        self._logger = Logger(namespace=namespace, observer=package_log)

    def trace(self, *args: object, **values: object) -> None:
        """Drop the line."""

    debug = trace
    info = trace

    def warn(self, text: str, **values: object) -> None:
        """Pass a warning on, below what the client tells of the same."""
        self._emit(LogLevel.debug, text, values)

    def error(self, text: str, **values: object) -> None:
        """Pass an error on; that of a TLS connection is told by the client, too."""
        is_told = text.startswith("SSL error: ")
        self._emit(LogLevel.debug if is_told else LogLevel.error, text, values)

    def _emit(self, level: LogLevel, text: str, values: dict[str, object]) -> None:
        """Fill in the values, then cut the secrets out of the whole text."""
        if values:
            text = formatEvent({"log_format": text, **values})
        text = re.sub(_URL, lambda found: redact_url(found[0]), text)
        text = re.sub(_TOKEN, rf"\g<1>{REDACTED}", text)
        self._logger.emit(level, "{text}", text=text)
