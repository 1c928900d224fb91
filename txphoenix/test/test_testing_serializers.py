"""A server of the kit that speaks more than Phoenix's own serializers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from txphoenix.protocol.message import Message
from txphoenix.testing import (
    CodecError,
    Endpoint,
    MemoryServer,
    ServerChannel,
    ServerCodec,
    ServerV1Codec,
    ServerV2Codec,
    ok,
)

from .custom_serializers import Objects, Scripted, raiser
from .kit import KitTestCase

INTERNAL_ERROR = 1011


class Echo(ServerChannel):
    """Replies, pushes and broadcasts what it is told."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Reply with the payload."""
        if event == "push":
            self.push("pushed", payload)
        return ok(payload)


class Numbered(ServerV2Codec):
    """V2, in whose frames each codec has put a number of its own."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.encoded = 0

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame."""
        self.encoded += 1
        return super().encode(message._replace(join_ref=str(self.number)))


class SerializersTests(KitTestCase):
    """What a server does with codecs that it was given."""

    def answer(self, vsn: str, *, path: str = "/socket") -> Any:
        """What a client of a version hears in answer to a push; None if refused."""
        talker = self.talker(f"{path}/websocket?vsn={vsn}")
        talker.heard()
        talker.say("1", "1", "t:a", "phx_join", {})
        heard = talker.say("1", "2", "t:a", "echo", {"a": 1})
        return heard[-1] if heard else None

    def test_version(self) -> None:
        """A version that is given is spoken, beside Phoenix's own and by that alone."""
        self.serve({"t:*": Echo}, serializers={"3.0.0": ServerV2Codec()})
        reply = ["1", "2", "t:a", "phx_reply", {"status": "ok", "response": {"a": 1}}]
        for vsn in ("3.0.0", "2.0.0", "2.0.7"):
            self.assertEqual(self.answer(vsn), reply)
        (one, *_) = self.memory.connections
        self.assertEqual(one.socket.params["vsn"], "3.0.0")
        self.assertEqual(one.socket.serializer, "Phoenix.Socket.V2.JSONSerializer")
        count = len(self.memory.connections)
        self.talker("/socket/websocket?vsn=3.0.1")
        self.assertEqual(len(self.memory.connections), count)

    def test_in_place(self) -> None:
        """One of Phoenix's own may be replaced, or subclassed."""
        self.serve({"t:*": Echo}, serializers={"2.0.0": Numbered(7)})
        self.assertEqual(self.answer("2.0.0")[0], "7")

    def test_by_socket(self) -> None:
        """Another socket of the server may speak others."""
        self.serve({"t:*": Echo}, serializers={"3.0.0": Numbered(3)})
        self.memory.add_socket("/same")
        self.memory.add_socket("/other", serializers={"3.0.0": Numbered(4)})
        self.assertEqual(self.answer("3.0.0", path="/same")[0], "3")
        self.assertEqual(self.answer("3.0.0", path="/other")[0], "4")

    def test_name(self) -> None:
        """A codec without a name of Phoenix's is known by its class's."""
        self.serve({}, serializers={"3.0.0": Objects()})
        self.talker("/socket/websocket?vsn=3.0.0")
        (session,) = self.memory.connections
        self.assertEqual(session.socket.serializer, "Objects")

    def test_broadcast(self) -> None:
        """A broadcast is encoded once for each codec, though they are of one class."""
        codecs = [Numbered(1), Numbered(2)]
        self.serve({"t:*": Echo}, serializers={"3.0.0": codecs[0], "3.1.0": codecs[1]})
        talkers = [
            self.talker(f"/socket/websocket?vsn={vsn}")
            for vsn in ("3.0.0", "3.1.0", "3.0.0", "2.0.0", "2.0.0")
        ]
        for talker in talkers:
            talker.join("t:a")
        for codec in codecs:
            codec.encoded = 0
        self.assertEqual(self.memory.broadcast("t:a", "e", {}), 5)
        self.assertEqual(
            [talker.heard()[0][0] for talker in talkers], ["1", "2", "1", None, None]
        )
        self.assertEqual([codec.encoded for codec in codecs], [1, 1])
        own = {id(it.codec) for it in self.memory.connections}
        self.assertEqual(len(own), 3)

    def test_wrong(self) -> None:
        """What is no codec is refused at once."""
        for codec in (None, Objects, object(), json):
            error = self.assertRaises(
                ValueError, MemoryServer, {}, serializers={"3.0.0": codec}
            )
            self.assertIn("the serializer of '3.0.0' must be a ServerCodec", str(error))
        for vsn in ("", 3, None):
            wrong: Any = {vsn: Objects()}
            error = self.assertRaises(ValueError, MemoryServer, {}, serializers=wrong)
            self.assertIn("the version of a serializer must be a str", str(error))

    def test_mixin(self) -> None:
        """The servers of test cases take them as well."""
        codec: ServerCodec = ServerV1Codec()
        memory = self.phoenix_memory_server(serializers={"0.9.0": codec})
        self.assertIsInstance(memory, Endpoint)
        self.assertIs(memory.sockets["/socket"].serializers["0.9.0"], codec)


class FailingCodecTests(KitTestCase):
    """A codec that raises or returns anything closes as Phoenix does."""

    def setUp(self) -> None:
        """Serve with a codec that is told what to do."""
        self.codec = Scripted()
        self.serve({"t:*": Echo}, serializers={"3.0.0": self.codec})
        self.codec_joined()

    def codec_joined(self) -> None:
        """Have a client join."""
        ours = ServerV2Codec()
        self.codec.on_encode, self.codec.on_decode = ours.encode, ours.decode
        self.client = self.talker("/socket/websocket?vsn=3.0.0")
        self.client.join("t:a")

    def wrongs(self) -> list[Callable[..., Any]]:
        """What a function may do wrong."""
        return [
            raiser(KeyError("x")),
            raiser(RecursionError()),
            raiser(CodecError("no")),
            lambda *_: None,
            lambda *_: ("text", False),
        ]

    def test_decode(self) -> None:
        """A client whose frame cannot be read is closed with 1011."""
        for wrong in self.wrongs():
            self.codec.on_decode = wrong
            heard = self.client.say("1", "2", "t:a", "echo", {})
            self.assertEqual(heard[-1], INTERNAL_ERROR)
            self.codec_joined()

    def test_encode_reply(self) -> None:
        """So is one that is to be answered."""
        for wrong in self.wrongs():
            self.codec.on_encode = wrong
            heard = self.client.say(None, "3", "phoenix", "heartbeat", {})
            self.assertEqual(heard[-1], INTERNAL_ERROR)
            self.codec_joined()

    def test_encode_push(self) -> None:
        """A push that cannot be encoded crashes its channel, as in Phoenix."""
        ours = ServerV2Codec()
        for wrong in self.wrongs():

            def encode(message: Message, wrong: Any = wrong) -> Any:
                return (wrong if message.event == "pushed" else ours.encode)(message)

            self.codec.on_encode = encode
            heard = self.client.say("1", "2", "t:a", "push", {})
            self.assertEqual(heard[-1][3], "phx_error")
            self.client.join("t:a")

    def test_encode_end(self) -> None:
        """A client that cannot be told of a channel's end is closed with 1011."""
        for wrong in self.wrongs():
            for event in ("push", "phx_leave"):
                self.codec.on_encode = wrong
                heard = self.client.say("1", "2", "t:a", event, {})
                self.assertEqual(heard[-1], INTERNAL_ERROR)
                self.codec_joined()

    def test_broadcast(self) -> None:
        """The caller of a broadcast that cannot be encoded is told."""
        for wrong in self.wrongs():
            self.codec.on_encode = wrong
            self.assertRaises(CodecError, self.memory.broadcast, "t:a", "e", {})
