"""Tests of ``json_codecs.py``: integers of any size, and codecs that agree."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from typing import Any

import orjson
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Message, SocketClient
from txphoenix.errors import SerializerError
from txphoenix.protocol.json_codecs import (
    Orjson,
    StandardJSON,
    default_json,
    may_have_long_number,
)
from txphoenix.protocol.serializer import V1Serializer, V2Serializer
from txphoenix.testing import PhoenixServer, ServerChannel, ok
from txphoenix.testing.codec import ServerV1Codec, ServerV2Codec

from .network import TOPIC, NetworkTestCase
from .properties import checked, example, given, st
from .serializer_kit import text

CODECS = (Orjson(orjson), StandardJSON())
WEI = 2**256 - 1

# About the limits of 64 bits, and about the digits that are looked for.
EDGES = [
    sign * (base + offset)
    for base in (2**63, 2**64, 10**18, 10**19, 10**40, 2**1024)
    for offset in (-1, 0, 1)
    for sign in (1, -1)
]
long_integers = st.sampled_from(EDGES) | st.integers(-(10**400), 10**400)
values = st.recursive(
    st.none()
    | st.booleans()
    | long_integers
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    # Text that looks like what is looked for.
    | long_integers.map(str)
    | long_integers.map('"[{},"\\'.format),
    lambda inside: (
        st.lists(inside)
        | st.dictionaries(text | long_integers.map(str), inside)
        | st.tuples(inside, inside)
    ),
    max_leaves=20,
)


class Price(enum.Enum):
    """An enum with a value that is too long for orjson."""

    HIGH = 2**80


@dataclasses.dataclass
class Account:
    """A dataclass, which orjson takes."""

    balance: int
    opened: datetime.date
    _secret: int = 0


def outcome(function: Any, *args: Any) -> Any:
    """What a function returns, with the types of its numbers, or that it raises."""
    try:
        return repr(function(*args))
    except ValueError:
        return ValueError


class LoadsTests(SynchronousTestCase):
    """What is read."""

    @checked
    @given(values, st.booleans(), st.sampled_from([None, 1]))
    def test_every_value(self, value: Any, is_ascii: bool, indent: int | None) -> None:
        """Whatever the standard json writes is read as the standard json reads it."""
        written = json.dumps(value, ensure_ascii=is_ascii, indent=indent)
        expected = repr(json.loads(written))
        for codec in CODECS:
            self.assertEqual(repr(codec.loads(written)), expected)
            self.assertEqual(repr(codec.loads(written.encode())), expected)

    @checked
    @given(
        st.text(alphabet='0123456789-+.eE,:[]{}" \\un', max_size=80).map(
            lambda text: text.replace("n", "12345678901234567890")
        )
    )
    @example("012345678901234567890")
    @example("-01234567890123456789")
    @example("--12345678901234567890")
    @example("[1.12345678901234567890]")
    @example("[12345678901234567890.5]")
    @example("[12345678901234567890e1]")
    @example("[1e-12345678901234567890]")
    @example("[12345678901234567890,1.12345678901234567890]")
    @example("{12345678901234567890:1}")
    @example('["\\"12345678901234567890",12345678901234567890]')
    @example('["\\\\",12345678901234567890]')
    @example('["12345678901234567890')
    @example("[12345678901234567890,NaN]")
    @example("[12345678901234567890,1e400]")
    @example('[12345678901234567890,"\\ud800"]')
    @example('[12345678901234567890,"\\ud83d\\ude00"]')
    def test_every_text(self, written: str) -> None:
        """The codecs take the same texts, and make the same of them."""
        ours, standard = (outcome(codec.loads, written) for codec in CODECS)
        self.assertEqual(ours, standard)

    def test_depth(self) -> None:
        """Depth does not count: as deep as orjson reads, integers are exact."""
        value = CODECS[0].loads("[" * 1000 + str(WEI) + "]" * 1000)
        for _ in range(1000):
            (value,) = value
        self.assertEqual(value, WEI)

    def test_what_comes_first(self) -> None:
        """An integer as the first thing of the text is exact as well."""
        self.assertEqual(CODECS[0].loads(b"%d" % WEI), WEI)

    def test_kinds_of_text(self) -> None:
        """Other kinds of bytes are read as bytes are."""
        for kind in (bytearray, memoryview):
            data: Any = kind(b"[%d]" % WEI)
            self.assertEqual(CODECS[0].loads(data), [WEI])

    def test_digits(self) -> None:
        """There are as many digits as Python converts; more are an error."""
        for codec in CODECS:
            self.assertEqual(codec.loads("9" * 4300), 10**4300 - 1)
            error = self.assertRaises(ValueError, codec.loads, "[" + "9" * 4301 + "]")
            self.assertIn("4300", str(error))

    def test_strict(self) -> None:
        """What is no number and no character is refused by both."""
        for wrong in ("NaN", "-Infinity", "1e400", '"\\ud800"', '{"\\udc00":1}', ""):
            for codec in CODECS:
                self.assertRaises(ValueError, codec.loads, wrong)


class LookTests(SynchronousTestCase):
    """The look for a long number, which is all that other messages pay."""

    @checked
    @given(long_integers, st.text(max_size=40), st.text(max_size=40))
    def test_none_is_missed(self, number: int, before: str, after: str) -> None:
        """It is seen wherever it is in a read, if orjson would change it."""
        data = f"{before}[{number}]{after}".encode("utf-8", "surrogatepass")
        if not -(2**63) <= number < 2**64:
            self.assertTrue(may_have_long_number(data))

    def test_edges(self) -> None:
        """So are those next to the limits, and behind what only looks like one."""
        for before in ("", '"1234-5678-9012-3456-7890",0.12345678901234567890,'):
            for number in EDGES:
                if not -(2**63) <= number < 2**64:
                    data = f"[{before}{number}]".encode()
                    self.assertTrue(may_have_long_number(data), data)

    def test_common_numbers(self) -> None:
        """Integers that databases have, floats, times and the like are not taken so."""
        for number in (
            1,
            10**17,
            # What databases and clocks count in.
            9223372036854775807,
            -922337203685477580,
            1796131200123456789,
            [1796131200123456789] * 9,
            {"1796131200123456789": "1796131200123456789"},
            0.1234567890123456,
            0.00012345678901234567,
            -12345678901234.567,
            1.7976931348623157e308,
            "2026-12-01T12:34:56.123456Z",
            "0a1b2c3d-1234-4567-8901-123456789012",
            "1234-5678-9012-3456-7890",
        ):
            data = b'[null,null,"t","e",{"n":%b}]' % orjson.dumps(number)
            self.assertFalse(may_have_long_number(data), number)

    def test_quick_way(self) -> None:
        """What has none can be given to orjson itself."""
        self.assertIs(V2Serializer().parse_short_numbers, orjson.loads)
        self.assertIs(V2Serializer(orjson).parse_short_numbers, orjson.loads)


class DumpsTests(SynchronousTestCase):
    """What is written."""

    @checked
    @given(values)
    def test_every_value(self, value: Any) -> None:
        """What is written is read as the same value."""
        for codec in CODECS:
            read = json.loads(codec.dumps(value))
            self.assertEqual(read, json.loads(json.dumps(value)))

    def test_extra_types(self) -> None:
        """What orjson takes besides, it takes beside a long integer too."""
        account = Account(2**70, datetime.date(2026, 12, 1))
        shared = [WEI]
        value = {"a": account, "p": Price.HIGH, "t": (shared, shared), "n": None}
        self.assertEqual(
            CODECS[0].dumps(value),
            b'{"a":{"balance":%d,"opened":"2026-12-01"},"p":%d,"t":[[%d],[%d]],"n":null}'
            % (2**70, 2**80, WEI, WEI),
        )
        self.assertEqual(shared, [WEI])

    def test_refused(self) -> None:
        """What orjson refuses, it refuses beside a long integer too."""
        endless: list[Any] = [WEI]
        endless += [endless, endless]
        for wrong in (object(), {1: 2}, "\ud800", b"bytes", endless):
            error = self.assertRaises(TypeError, CODECS[0].dumps, [WEI, wrong])
            self.assertNotIn("64-bit", str(error))

    def test_nan(self) -> None:
        """NaN is refused beside a long integer, too."""
        for codec in CODECS:
            message = Message("1", "2", "t", "e", [WEI, float("nan")])
            self.assertRaises(SerializerError, V2Serializer(codec).encode, message)


class SerializerTests(SynchronousTestCase):
    """The two versions of the protocol, and the server kit's side of them."""

    def test_both_ways(self) -> None:
        """An integer comes and goes unchanged with each codec, in any version."""
        pushed = Message("1", "2", TOPIC, "paid", {"wei": [WEI, -WEI]})
        reply = pushed._replace(
            event="phx_reply", payload={"status": "ok", "response": WEI}
        )
        for codec in (None, orjson, json, *CODECS):
            v1, v2 = V1Serializer(codec), V2Serializer(codec)
            self.assertEqual(len(self.flushWarnings()), 1)
            for client, server in ((v2, ServerV2Codec(codec)), (v1, ServerV1Codec())):
                sent = server.decode(*client.encode(pushed))
                self.assertEqual(sent.payload, pushed.payload)
                for message in (pushed, reply):
                    come = client.decode(*server.encode(message))
                    self.assertEqual(come.payload, message.payload)

    def test_default(self) -> None:
        """The default is exact."""
        self.assertEqual(default_json().loads(str(WEI)), WEI)

    def test_too_many_digits(self) -> None:
        """A number with more digits than Python takes is an error that says so."""
        data = b'[null,null,"t","e",%b]' % (b"9" * 5000)
        for codec in CODECS:
            error = self.assertRaises(
                SerializerError, V2Serializer(codec).decode, data, False
            )
            self.assertIn("4300", str(error))


class Bank(ServerChannel):
    """A channel that pushes what it is asked with, and answers it."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Push to this client, broadcast to all, answer."""
        self.push("pushed", payload)
        self.broadcast("broadcast", payload)
        return ok(payload)


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def exchange(self, **options: Any) -> None:
        """Have an integer come by a push, a broadcast and a reply."""
        server = PhoenixServer({"bank:*": Bank})
        await server.start()
        self.addCleanup(server.stop, drain=False)
        client: SocketClient = self.client(server.url, **options)
        channel = client.channel("bank:1")
        heard: list[Any] = []
        channel.on("pushed", heard.append)
        channel.on("broadcast", heard.append)
        await channel.join()
        value = {"wei": WEI, "deep": [[{"a": [-WEI, 2**64, 1.5, "x"]}]]}
        self.assertEqual(await channel.push("pay", value), value)
        self.assertEqual(heard, [value, value])
        # Nor does a message before it or behind it change that.
        channel.push_async("pay", {"small": 1})
        self.assertEqual(await channel.push("pay", value), value)
        self.assertEqual(heard[2:], [{"small": 1}, {"small": 1}, value, value])

    async def test_websocket(self) -> None:
        """Over a WebSocket, by fast frames."""
        await self.exchange()

    async def test_stock_frames(self) -> None:
        """By Autobahn's frames."""
        await self.exchange(fast_frames=False)

    async def test_compressed(self) -> None:
        """With compression."""
        await self.exchange(compression=True)

    async def test_longpoll(self) -> None:
        """By long-poll."""
        await self.exchange(transport="longpoll")

    async def test_fallback(self) -> None:
        """Where long-poll could take its place."""
        await self.exchange(longpoll_fallback=5.0)

    async def test_v1(self) -> None:
        """In the old version of the protocol."""
        await self.exchange(vsn="1.0.0")
        self.flushWarnings()

    async def test_standard_json(self) -> None:
        """With the standard library's json."""
        await self.exchange(serializer=json)
