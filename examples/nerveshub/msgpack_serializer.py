"""NervesHub's MessagePack: a whole serializer, for clients and the server kit alike.

A message is an array of five, ``[join_ref, ref, topic, event, payload]``, in a binary
frame; that is version 3.0.0 of the serializers of NervesHub's devices
(``NervesHubWeb.Channels.DeviceMsgPackSerializer``), and what many a server does that
has put Msgpax in the place of JSON.
It needs ``pip install msgpack``.
"""

from __future__ import annotations

import msgpack

from txphoenix import Message, SerializerError


class MsgPackSerializer:
    """Give it to a client as the option ``serializer``."""

    vsn = "3.0.0"

    def encode(self, message):
        """Make a frame; bytes in a payload are MessagePack's own bytes."""
        try:
            return msgpack.packb(tuple(message)), True
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise SerializerError(
                f"the payload of {message.event!r} cannot be packed: {error}"
            ) from error

    def decode(self, data, is_binary):
        """Read a frame; an instant (a DateTime of Elixir's) becomes a datetime."""
        if not is_binary:
            raise SerializerError("expected MessagePack in a binary frame, not text")
        try:
            fields = msgpack.unpackb(data, timestamp=3, ext_hook=_refuse)
        except (
            msgpack.UnpackException,
            OverflowError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            # Some of msgpack's have nothing to say.
            why = str(error) or type(error).__name__
            raise SerializerError(f"expected MessagePack: {why}") from error
        if not isinstance(fields, list) or len(fields) != 5:
            came = type(fields).__name__
            if isinstance(fields, list):
                came += f" of {len(fields)}"
            raise SerializerError(
                f"expected [join_ref, ref, topic, event, payload], not a {came}"
            )
        join_ref, ref, topic, event, payload = fields
        if not (isinstance(topic, str) and isinstance(event, str)):
            raise SerializerError("topic and event must be text")
        return Message(_ref(join_ref), _ref(ref), topic, event, payload)


def _ref(value):
    """A ref as text; a server may have made a number of it."""
    if value is None or isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    raise SerializerError(f"a ref must be text, not a {type(value).__name__}")


def _refuse(code, data):
    raise ValueError(f"extension type {code}, of {len(data)} bytes, is not known")
