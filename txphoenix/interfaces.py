"""What can be replaced by a user, and what its parts ask of each other.

That is the JSON codec, the serializer and the transport.
These are :class:`typing.Protocol` classes: an object that has the methods is enough,
nothing needs to be inherited.

::

    bytes -> Transport -> TransportListener.frame_received -> Message
    Message -> Serializer.encode -> Transport.send -> bytes
"""

from __future__ import annotations

from .channels.decoded_events import Decoder, Decoders
from .channels.interfaces import MessageQueue
from .client.interfaces import ConnectionListener
from .protocol.json_codecs import JSONCodec
from .protocol.message import Serializer
from .runtime.remover import Remover
from .transports.interfaces import (
    BoundedTransport,
    Connector,
    FrameReceiver,
    FrameReceivers,
    LifeSigns,
    ObservedTransport,
    Transport,
    TransportListener,
)

__all__ = [
    "BoundedTransport",
    "ConnectionListener",
    "Connector",
    "Decoder",
    "Decoders",
    "FrameReceiver",
    "FrameReceivers",
    "JSONCodec",
    "LifeSigns",
    "MessageQueue",
    "ObservedTransport",
    "Remover",
    "Serializer",
    "Transport",
    "TransportListener",
]
