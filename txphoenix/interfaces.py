"""What users can replace: the JSON codec, the serializer and the transport.

Each is declared in its layer; these are the public names.
"""

from __future__ import annotations

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
    "FrameReceiver",
    "FrameReceivers",
    "JSONCodec",
    "LifeSigns",
    "ObservedTransport",
    "Remover",
    "Serializer",
    "Transport",
    "TransportListener",
]
