"""A Twisted client for Phoenix Channels.

The public names; one page tells what they are: :doc:`the API <api>`.
"""

from __future__ import annotations

# Who has imported the package has these modules of it as well.
from . import backoff as backoff
from . import client_hooks as client_hooks
from . import interfaces as interfaces
from . import serializer as serializer
from . import supplied as supplied
from ._version import __version__
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
]
