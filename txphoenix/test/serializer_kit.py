"""What the tests of ``serializer.py`` share."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import orjson
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import SerializerError
from txphoenix.protocol.serializer import StandardJSON, V2Serializer

from .properties import st

# Every string that UTF-8 can hold.
text = st.text(st.characters(exclude_categories=["Cs"]))
short_text = text.filter(lambda value: len(value.encode()) <= 255)
refs = st.none() | st.integers(0, 10**9).map(str)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inside: st.lists(inside) | st.dictionaries(text, inside),
    max_leaves=20,
)


class TextCodec:
    """A codec as a user may bring one: the standard json, in text, with spaces."""

    def loads(self, data: str | bytes, /) -> Any:
        """Parse, by way of the standard json."""
        return json.loads(data)

    def dumps(self, value: Any, /) -> str:
        """Make text, by way of the standard json."""
        return json.dumps(value, ensure_ascii=False)


class OddCodec:
    """A codec that does what it is told to."""

    def __init__(
        self,
        loads: Callable[[str | bytes], Any] = orjson.loads,
        dumps: Callable[[Any], Any] = orjson.dumps,
    ) -> None:
        self.loads = loads
        self.dumps = dumps


def reply(status: str, data: str) -> dict[str, object]:
    """The payload of a binary reply, of its data in hex."""
    return {"status": status, "response": bytes.fromhex(data)}


@dataclasses.dataclass
class Point:
    """A payload that orjson takes and JSON knows nothing of."""

    x: float


ORJSON = V2Serializer(orjson)
STANDARD = V2Serializer(StandardJSON())
BOTH = (ORJSON, STANDARD)
EVERY_CODEC = (*BOTH, V2Serializer(TextCodec()))


class SerializerCase(SynchronousTestCase):
    """The base of the tests below."""

    def refusal(self, function: Callable[..., Any], *args: Any) -> str:
        """What the SerializerError says that a call must raise."""
        return str(self.assertRaises(SerializerError, function, *args))
