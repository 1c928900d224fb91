"""What Autobahn sets on each protocol and on each factory, kept once for all of them.

Autobahn gives a protocol some 60 attributes on its way to an open session, and a
factory some 40 when it is made, nearly all with values in which no two of ours differ.
For its log it makes a text of them each time, whoever listens; and it seeds Python's
random numbers anew, which are the program's.

Here Autobahn sets up one of each, as an example.
What that has got are attributes of our classes, so that a protocol or a factory has of
its own only what is changed on it.
What cannot be shared is made at its first use, or by :func:`own_attributes`.
"""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Callable, Mapping
from copy import copy
from hashlib import sha1
from importlib.metadata import version
from types import FunctionType, MappingProxyType
from typing import Any, Final, TypeVar

from autobahn.twisted.util import peer2str
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol

from ..runtime.quiet_log import QuietLog
from .answer_head import GUID

__all__ = ["own_attributes", "with_factory_defaults", "with_protocol_defaults"]

_C = TypeVar("_C", bound=type)

_ANSWER: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n\r\n"
)
_CONSTANTS: Final = (type(None), bool, int, float, complex, str, bytes, tuple)


class _Unheard:
    """Stands for a Deferred that nobody has been given."""

    __slots__ = ()

    def callback(self, _result: object) -> None:
        """Nobody waits for it."""


class _AtFirstUse:
    """An attribute that is made when somebody asks for it, for each instance."""

    __slots__ = ("_make", "_name")

    def __init__(self, name: str, make: Callable[[], object]) -> None:
        self._name = name
        self._make = make

    def __get__(self, instance: Any, _owner: type) -> Any:
        if instance is None:
            return self
        made = self._make()
        # Whoever touches the __dict__ of an instance has CPython make one.
        setattr(instance, self._name, made)
        return made


class _Example(WebSocketClientProtocol):
    log = QuietLog()

    def startHandshake(self) -> None:
        """There is nobody to ask."""


def _examples() -> tuple[dict[str, Any], dict[str, Any]]:
    """What Autobahn sets on a factory, and on a protocol of that."""
    seeded = random.getstate()
    factory = WebSocketClientFactory(reactor=object())
    random.setstate(seeded)
    # Its timers run on the loop of txaio, not on the client's reactor.
    factory.openHandshakeTimeout = 0
    factory.closeHandshakeTimeout = 0
    factory.serverConnectionDropTimeout = 0
    # Close with a code that says why, rather than by ending the connection.
    factory.failByDrop = False
    protocol = _Example()
    protocol.factory = factory
    protocol._connectionMade()
    protocol.websocket_key = b""
    accept = b64encode(sha1(GUID).digest())
    protocol.data = _ANSWER % accept
    protocol.processHandshake()
    if protocol.state != protocol.STATE_OPEN:
        raise ImportError("its session did not open")
    return vars(factory), vars(protocol)


def _known_examples() -> tuple[dict[str, Any], dict[str, Any]]:
    """The same; an ``ImportError`` says which release is of another kind."""
    try:
        return _examples()
    except Exception as error:
        raise ImportError(
            f"txphoenix does not know how Autobahn {version('autobahn')} opens a"
            f" session: {error!r}"
        ) from error


def _shared(attributes: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Take from an example what a class can have for all its instances.

    :param attributes: those of the example.
    :param known: what the class has in place of some of them.
    """
    shared = {**known}
    for name in attributes.keys() - known.keys():
        value = attributes[name]
        if isinstance(value, FunctionType):
            # It is called as an attribute of an instance.
            shared[name] = staticmethod(value)
        elif isinstance(value, _CONSTANTS):
            shared[name] = value
    return shared


_factory, _protocol = _known_examples()

_NONE: Final[Any] = MappingProxyType({})

_FACTORY: Final = _shared(
    _factory,
    {
        # All that would make use of it is switched off.
        "_batched_timer": _factory.get("_batched_timer"),
        "headers": _NONE,
        "params": _NONE,
        "perMessageCompressionOffers": (),
        "protocols": (),
        # The client's own.
        "reactor": None,
    },
)

_PROTOCOL: Final = _shared(
    _protocol,
    {
        "_results": _protocol.get("_results"),
        "_transport_details": _protocol.get("_transport_details"),
        "_valid_events": _protocol.get("_valid_events"),
        "factory": None,
        "http_headers": _NONE,
        "http_response_data": b"",
        "http_status_line": "",
        "is_closed": _Unheard(),
        "is_open": _Unheard(),
        "perMessageCompressionOffers": (),
        # A deque takes 624 bytes: see FastFrameProtocol.sendData().
        "send_queue": (),
        "peer": property(lambda protocol: peer2str(protocol.transport)),
        **{
            name: _AtFirstUse(name, type(_protocol[name]))
            for name in ("trafficStats", "utf8validator")
        },
        "websocket_extensions_in_use": (),
    },
)

_PROTOCOL_OWN: Final = {
    name: _protocol[name] for name in _protocol.keys() - _PROTOCOL.keys()
}


def with_factory_defaults(cls: _C) -> _C:
    """Give a class what Autobahn would set on each of its instances."""
    return _with(cls, _FACTORY)


def with_protocol_defaults(cls: _C) -> _C:
    """The same for a class of protocols."""
    return _with(cls, _PROTOCOL)


def own_attributes(protocol: WebSocketClientProtocol) -> None:
    """Set what a protocol cannot share with another.

    There is nothing of the kind in the releases of Autobahn that are known.
    """
    for name, value in _PROTOCOL_OWN.items():
        setattr(protocol, name, copy(value))


def _with(cls: _C, defaults: Mapping[str, Any]) -> _C:
    for name in defaults.keys() - vars(cls).keys():
        setattr(cls, name, defaults[name])
    return cls
