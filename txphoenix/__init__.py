"""A Twisted client for Phoenix Channels.

The public names; one page tells what they are: :doc:`the API </api>`.

Each is loaded when it is first asked for.
So ``from txphoenix import SocketClient`` loads what a client needs and no more, and who
catches an error, or lists the plugins of ``twistd``, does not wait for a client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    # Who has imported the package has these modules of it as well.
    from . import backoff as backoff
    from . import client_hooks as client_hooks
    from . import interfaces as interfaces
    from . import serializer as serializer
    from . import supplied as supplied
    from .channel import Channel
    from .client import SocketClient
    from .echo_room import EchoRoom
    from .errors import (
        AlreadyJoined,
        BufferFull,
        ChannelClosed,
        ConfigurationError,
        ConnectionClosed,
        ConnectionFailed,
        ConnectTimeout,
        DecodeError,
        HandshakeRefused,
        HeartbeatTimeout,
        JoinError,
        JoinTimeout,
        MessageTooLarge,
        NotConnected,
        PhoenixError,
        PushError,
        PushInterrupted,
        PushTimeout,
        SerializerError,
    )
    from .handshake import Handshake
    from .message import Message
    from .option_types import ClientOptions
    from .presence import Presence
    from .transports.client_tls import client_tls
    from .transports.https_agent import https_agent

__all__ = [
    "AlreadyJoined",
    "BufferFull",
    "Channel",
    "ChannelClosed",
    "ClientOptions",
    "ConfigurationError",
    "ConnectTimeout",
    "ConnectionClosed",
    "ConnectionFailed",
    "DecodeError",
    "EchoRoom",
    "Handshake",
    "HandshakeRefused",
    "HeartbeatTimeout",
    "JoinError",
    "JoinTimeout",
    "Message",
    "MessageTooLarge",
    "NotConnected",
    "PhoenixError",
    "Presence",
    "PushError",
    "PushInterrupted",
    "PushTimeout",
    "SerializerError",
    "SocketClient",
    "__version__",
    "client_tls",
    "https_agent",
]

# Where the names are that are in a module of another name.
_HOMES = {
    "Channel": "channel",
    "ClientOptions": "option_types",
    "EchoRoom": "echo_room",
    "Handshake": "handshake",
    "Message": "message",
    "Presence": "presence",
    "SocketClient": "client",
    "client_tls": "transports.client_tls",
    "https_agent": "transports.https_agent",
}

# The modules that are there without an import of their own.
_MODULES = frozenset(
    {
        "backoff",
        "channel",
        "channels",
        "client",
        "client_hooks",
        "echo_room",
        "errors",
        "handshake",
        "interfaces",
        "message",
        "option_types",
        "options",
        "presence",
        "serializer",
        "supplied",
        "telemetry",
    }
)


# Type checkers would take any name for one of them.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Load what is asked for the first time (PEP 562)."""
        if name in _MODULES:
            return import_module(f".{name}", __name__)
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f".{_HOMES.get(name, 'errors')}", __name__), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
