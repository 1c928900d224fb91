"""The slots for what Autobahn sets on a protocol and on a factory.

CPython holds the attributes of an instance compactly if its class has at most 30 names
of them.
Autobahn sets over 80 on a protocol and over 40 on a factory, so that each would have a
dict of its own: 1.6 KB, twice for each client.
A slot takes 8 bytes, and is as fast to read.

Nothing depends on these lists.
A name that Autobahn does not set leaves its slot empty, and one that is missing here
goes into the instance's dict.
"""

from __future__ import annotations

from typing import Final

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol

__all__ = ["FACTORY_SLOTS", "PROTOCOL_SLOTS"]

_OPTIONS: Final = tuple(WebSocketClientProtocol.CONFIG_ATTRS)


def _without_default(owner: type, *names: str) -> tuple[str, ...]:
    """Those that the class has no default for, which a slot would hide."""
    return tuple(name for name in names if not hasattr(owner, name))


FACTORY_SLOTS: Final = _without_default(
    WebSocketClientFactory,
    *_OPTIONS,
    "_batched_timer",
    "headers",
    "host",
    "isSecure",
    "origin",
    "params",
    "path",
    "port",
    "protocols",
    "proxy",
    "reactor",
    "resource",
    "url",
    "useragent",
)
"""The names of what a client factory sets."""

PROTOCOL_SLOTS: Final = _without_default(
    WebSocketClientProtocol,
    *_OPTIONS,
    # The session.
    "_perMessageCompress",
    "_transport_details",
    "current_frame",
    "data",
    "inside_message",
    "is_closed",
    "is_open",
    "send_queue",
    "send_state",
    "state",
    "trackedTimings",
    "trafficStats",
    "triggered",
    "utf8validator",
    # The opening handshake.
    "http_headers",
    "http_response_data",
    "http_status_line",
    "websocket_extensions_in_use",
    "websocket_key",
    "websocket_protocol_in_use",
    "websocket_version",
    # How it ends.
    "closedByMe",
    "droppedByMe",
    "failedByMe",
    "localCloseCode",
    "localCloseReason",
    "remoteCloseCode",
    "remoteCloseReason",
    "wasClean",
    "wasCloseHandshakeTimeout",
    "wasMaxFramePayloadSizeExceeded",
    "wasMaxMessagePayloadSizeExceeded",
    "wasNotCleanReason",
    "wasOpenHandshakeTimeout",
    "wasServerConnectionDropTimeout",
    "wasServingFlashSocketPolicyFile",
    # Timers, and what the automatic ping knows.
    "autoPingPending",
    "autoPingPendingCall",
    "autoPingPendingSent",
    "autoPingPendingSeq",
    "autoPingTimeoutCall",
    "closeHandshakeTimeoutCall",
    "openHandshakeTimeoutCall",
    "serverConnectionDropTimeoutCall",
)
"""The names of what a client protocol sets, on the way to an open session."""
