"""A Twisted client for Phoenix Channels.

The public names; one page tells what they are: :doc:`the API <api>`.
"""

from __future__ import annotations

from ._version import __version__
from .channels.channel import Channel
from .channels.echo_room import EchoRoom
from .channels.presence import Presence
from .client.socket_client import SocketClient
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
from .options.types import ClientOptions
from .protocol.handshake import Handshake
from .protocol.message import Message
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
