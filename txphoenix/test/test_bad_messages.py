"""Frames from the server that are no messages.

What cannot be decoded is dropped, told and counted, and the connection lives on.
"""

from __future__ import annotations

import json
from typing import Any, cast

from twisted.logger import ILogObserver, LogLevel, globalLogPublisher

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import SerializerError
from txphoenix.protocol.message import Message

from .raw_server import RawTestCase, server_frame
from .support import TOPIC

TEXT, BINARY = 1, 2

BAD_TEXT = {
    "not JSON": b"hello",
    "nothing": b"",
    "white space": b"  ",
    "cut off": b'[null,null,"rooms:lobby","news",{',
    "two values": b'[null,null,"rooms:lobby","news",{}] []',
    "not a number": b'[null,null,"rooms:lobby","news",NaN]',
    "an object": b'{"topic":"rooms:lobby","event":"news","payload":{},"ref":null}',
    "a string": b'"news"',
    "null": b"null",
    "too short": b'[null,null,"rooms:lobby","news"]',
    "empty": b"[]",
    "topic of a wrong type": b'[null,null,7,"news",{}]',
    "topic that is null": b'[null,null,null,"news",{}]',
    "topic that is a list": b'[null,null,["rooms:lobby"],"news",{}]',
    "event of a wrong type": b'[null,null,"rooms:lobby",{},{}]',
    "ref of a wrong type": b'[null,{},"rooms:lobby","news",{}]',
    "join_ref of a wrong type": b'[[],null,"rooms:lobby","news",{}]',
    "lone surrogate": b'[null,null,"rooms:lobby","news","\\ud800"]',
    "byte order mark": b'\xef\xbb\xbf[null,null,"rooms:lobby","news",{}]',
}

BAD_BINARY = {
    "nothing": b"",
    "unknown kind": b"\x03\x00\x00",
    "head cut off": b"\x00\x01",
    "push cut off": b"\x00\x01\x05\x04" + b"1rooms",
    "reply cut off": b"\x01\x01\x01\x05\x02" + b"12rooms",
    "broadcast cut off": b"\x02\x05\x04" + b"rooms",
    "topic that is not UTF-8": b"\x02\x01\x01" + b"\xff" + b"e",
    "text": b"hello",
}


class BadMessageTests(RawTestCase):
    """A client, connected to a server that says what it likes."""

    def setUp(self) -> None:
        """Note what is told and logged."""
        super().setUp()
        self.errors: list[Exception] = []
        self.messages: list[Message] = []
        self.logged: list[dict[str, Any]] = []
        observer = cast(ILogObserver, self.logged.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def connect(self, **options: Any) -> SocketClient:
        """Connect."""
        client = self.connected_client(**options)
        client.on_error(self.errors.append)
        client.on_message(self.messages.append)
        return client

    def warnings(self) -> list[dict[str, Any]]:
        """The warnings of the client's that were logged."""
        return [
            event
            for event in self.logged
            if event["log_level"] is LogLevel.warn
            and event["log_namespace"] == "txphoenix.state"
        ]

    def send(self, *frames: bytes) -> None:
        """Have the server send."""
        self.peer.send(b"".join(frames))
        self.memory.flush()

    def news(self, number: int) -> bytes:
        """A good message."""
        return server_frame(TEXT, f'[null,null,"{TOPIC}","news",{number}]'.encode())

    def assert_dropped(self, client: SocketClient, opcode: int, data: bytes) -> None:
        """The frame is dropped, told and counted; what is around it is delivered."""
        self.errors.clear()
        self.messages.clear()
        before = client.state.dropped_frames
        self.send(self.news(1), server_frame(opcode, data), self.news(2))
        (error,) = self.errors
        self.assertIsInstance(error, SerializerError)
        self.assertLess(len(str(error)), 400)
        self.assertEqual([message.payload for message in self.messages], [1, 2])
        self.assertEqual(client.state.dropped_frames, before + 1)
        self.assertTrue(client.connected)

    def test_text(self) -> None:
        """Text that is no message of V2."""
        client = self.connect()
        for name, data in BAD_TEXT.items():
            with self.subTest(name=name):
                self.assert_dropped(client, TEXT, data)
        self.assertEqual(self.memory.connections_made, 1)

    def test_text_with_the_standard_json(self) -> None:
        """The same with another codec, which takes some of it for JSON."""
        client = self.connect(serializer=json)
        for name, data in BAD_TEXT.items():
            with self.subTest(name=name):
                if name in ("not a number", "lone surrogate"):
                    continue
                self.assert_dropped(client, TEXT, data)

    def test_binary(self) -> None:
        """Binary data that is no message of V2."""
        client = self.connect()
        for name, data in BAD_BINARY.items():
            with self.subTest(name=name):
                self.assert_dropped(client, BINARY, data)

    def test_nested(self) -> None:
        """A payload nested a hundred thousand deep does not take the client down."""
        for codec in (None, json):
            with self.subTest(codec=codec):
                client = self.connect(serializer=codec)
                payload = b"[" * 100_000 + b"]" * 100_000
                data = b'[null,null,"rooms:lobby","news",' + payload + b"]"
                self.assert_dropped(client, TEXT, data)

    def test_v1(self) -> None:
        """What is no message of V1."""
        client = self.connect(vsn="1.0.0")
        self.flushWarnings()
        for data in (b"hello", b"[]", b"{}", b'{"topic":1,"event":"e","payload":{}}'):
            self.errors.clear()
            self.send(server_frame(TEXT, data), server_frame(BINARY, b"\x02\x01\x01te"))
            self.assertEqual(len(self.errors), 2)
        self.assertTrue(client.connected)

    def test_extra_elements(self) -> None:
        """Elements behind the five are ignored."""
        self.connect()
        self.send(server_frame(TEXT, b'[null,null,"rooms:lobby","news",{},1,2,3]'))
        self.assertEqual(len(self.messages), 1)
        self.assertEqual(self.errors, [])

    def test_log(self) -> None:
        """A server that sends nothing else does not fill the log (decision 10)."""
        client = self.connect()
        self.send(server_frame(TEXT, b"hello") * 1000)
        self.assertEqual(client.state.dropped_frames, 1000)
        self.assertEqual(len(self.errors), 1000)
        counts = [event["count"] for event in self.warnings()]
        self.assertEqual(counts, [2**n for n in range(10)])

    def test_pending_pushes(self) -> None:
        """Who waits for a reply goes on waiting, and gets it."""
        client = self.connect()
        join = self.watch(client.join(TOPIC))
        self.send(
            server_frame(TEXT, b"hello"),
            server_frame(BINARY, b"\x09"),
            server_frame(
                TEXT,
                b'["1","1","rooms:lobby","phx_reply",{"status":"ok","response":{}}]',
            ),
        )
        ((_, channel),) = join.fired
        push = self.watch(channel.push("echo"))
        for payload in (b"null", b"[]", b'"ok"', b"{}", b'{"status":"ok"}', b"1"):
            self.send(
                server_frame(TEXT, b'["1","9","rooms:lobby","phx_reply",%s]' % payload)
            )
        self.assert_waits(push)
        self.send(
            server_frame(
                TEXT,
                b'["1","2","rooms:lobby","phx_reply",{"status":"ok","response":[3]}]',
            )
        )
        self.assert_fired(push, [3])


class UnexpectedMessageTests(RawTestCase):
    """Good messages that nobody waits for."""

    def test_unknown_refs_and_topics(self) -> None:
        """They are counted or ignored, and nothing else is lost."""
        client = self.connected_client()
        join = self.watch(client.join(TOPIC))
        for data in (
            # A reply to a ref that is not ours, on topics that are and are not.
            b'[null,"77","rooms:lobby","phx_reply",{"status":"ok","response":{}}]',
            b'[null,null,"rooms:lobby","phx_reply",{"status":"ok","response":{}}]',
            b'[null,"77","rooms:other","phx_reply",{"status":"ok","response":{}}]',
            b'[null,"77","phoenix","phx_reply",{"status":"ok","response":{}}]',
            b'[null,null,"phoenix","phx_reply",{}]',
            b'[null,null,"phoenix","unheard of",{}]',
            # An old join's end.
            b'["0","0","rooms:lobby","phx_close",{}]',
            b'["0","0","rooms:lobby","phx_error",{}]',
            b'["1",1,"rooms:lobby","phx_reply",{"status":"ok","response":{}}]',
        ):
            self.peer.send(server_frame(TEXT, data))
        self.memory.flush()
        ((_, channel),) = join.fired
        self.assertEqual(channel.state, "joined")
        self.assertTrue(client.connected)
        self.assertEqual(client.state.unrouted_messages, 1)
        self.assertEqual(client.state.stale_messages, 2)
        self.assertEqual(client.state.dropped_frames, 0)
