"""``examples/nerveshub/``: its format, its signatures, and a device in memory.

As programs, over TCP and TLS, they run in :mod:`.test_howto_nerveshub`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Message, SocketClient
from txphoenix.errors import HandshakeRefused, JoinError, SerializerError
from txphoenix.protocol.backoff import steps
from txphoenix.test.nerveshub_case import NOT_HERE, loaded
from txphoenix.testing import MemoryServer
from txphoenix.testing.cases import PhoenixMixin

BEGINNING = 1_787_120_842
KEY, SECRET = "nhp_abc", "s3cret-of-a-product"


class SerializerTests(SynchronousTestCase):
    """Messages as MessagePack."""

    skip = NOT_HERE

    def setUp(self) -> None:
        """Load it."""
        self.serializer = loaded(self, "msgpack_serializer").MsgPackSerializer()

    def test_layout(self) -> None:
        """A message is an array of five, in a binary frame."""
        message = Message("1", "2", "device", "fwup_progress", {"value": 50})
        frame = b"\x95\xa11\xa12\xa6device\xadfwup_progress\x81\xa5value2"
        self.assertEqual(self.serializer.encode(message), (frame, True))
        self.assertEqual(self.serializer.decode(frame, True), message)
        self.assertEqual(self.serializer.vsn, "3.0.0")

    def test_there_and_back(self) -> None:
        """All that MessagePack has comes back; refs may be numbers, or nothing."""
        numbers = [1, -1, 2**64 - 1, 1.5]
        for payload in (None, {}, {"a": [*numbers, True, None, "ü"]}, b"\0"):
            message = Message(None, None, "t", "e", payload)
            frame, is_binary = self.serializer.encode(message)
            self.assertEqual(self.serializer.decode(frame, is_binary), message)
        frame, _ = self.serializer.encode(Message(1, 2, "t", "e", {}))  # type: ignore[arg-type]
        self.assertEqual(self.serializer.decode(frame, True)[:2], ("1", "2"))

    def test_instant(self) -> None:
        """What Msgpax makes of a DateTime becomes a datetime."""
        frame = b"\x95\xc0\xc0\xa1t\xa1e\xd6\xff" + BEGINNING.to_bytes(4, "big")
        self.assertEqual(
            self.serializer.decode(frame, True).payload,
            datetime.fromtimestamp(BEGINNING, UTC),
        )

    def test_bad_frames(self) -> None:
        """What is no such message is said to be none, each in its own words."""
        start = b"\x95\xa11\xa12\xa1t\xa1e"
        for frame, said in (
            (b"", "expected MessagePack"),
            (b"\xc1", "expected MessagePack: FormatError"),
            (b'["1","2","t","e",{}]', "expected MessagePack: unpack(b) received extra"),
            (start, "incomplete input"),
            (start + b"\xa5abc", "incomplete input"),
            (start + b"\xc0\xc0", "extra data"),
            (start + b"\xa1\xff", "expected MessagePack: 'utf-8' codec"),
            (start + b"\xd4\x05\x00", "extension type 5, of 1 bytes, is not known"),
            (start + b"\xd5\xff\x00\x00", "expected MessagePack"),
            (start + b"\x81\x01\x02", "expected MessagePack: int is not allowed"),
            (start + b"\x81\x90\x02", "expected MessagePack: list is not allowed"),
            (b"\x91" * 5000, "expected MessagePack: StackError"),
            (b"\x81\xa1a\x01", "not a dict"),
            (b"\xc0", "not a NoneType"),
            (b"\x94\xa11\xa12\xa1t\xa1e", "not a list of 4"),
            (b"\x96\xa11\xa12\xa1t\xa1e\xc0\xc0", "not a list of 6"),
            (b"\x95\xc0\xc0\x01\xa1e\xc0", "topic and event must be text"),
            (b"\x95\xc0\xc0\xa1t\xc4\x01e\xc0", "topic and event must be text"),
            (b"\x95\xc3\xc0\xa1t\xa1e\xc0", "a ref must be text, not a bool"),
            (b"\x95\xc0\x80\xa1t\xa1e\xc0", "a ref must be text, not a dict"),
        ):
            with self.assertRaises(SerializerError) as caught:
                self.serializer.decode(frame, True)
            self.assertIn(said, str(caught.exception))
        with self.assertRaises(SerializerError) as caught:
            self.serializer.decode(start + b"\xc0", False)
        self.assertIn("not text", str(caught.exception))

    def test_bad_payloads(self) -> None:
        """What cannot be packed is an error that names the event, and no payload."""
        deep: list[Any] = []
        for _ in range(2000):
            deep = [deep]
        for payload in ({"a": object()}, 2**64, {"a": {1, 2}}, deep, "\ud800"):
            with self.assertRaises(SerializerError) as caught:
                self.serializer.encode(Message(None, "1", "t", "my_event", payload))
            self.assertIn("the payload of 'my_event' cannot be", str(caught.exception))


class SignatureTests(SynchronousTestCase):
    """The headers that a shared secret makes."""

    skip = NOT_HERE

    def setUp(self) -> None:
        """Load it."""
        self.example = loaded(self, "shared_secret")

    def made(self, secret: str = SECRET, seconds: float = BEGINNING) -> Any:
        """The headers of a device at a time."""
        return self.example.headers(KEY, secret, "dev-1", seconds=lambda: seconds)

    def identifier_of(self, given: Any, late: float = 0, secret: str = SECRET) -> Any:
        """Whom a server finds in headers."""
        return self.example.identifier_of(
            given, secret, seconds=lambda: BEGINNING + late
        )

    def test_vectors(self) -> None:
        """They are what Erlang's own crypto and term_to_binary come to.

        ``crypto:pbkdf2_hmac``, ``crypto:mac`` and ``term_to_binary`` of OTP 25, put
        together as Plug.Crypto 2 does.
        """
        for secret, identifier, seconds, algorithm, signature in (
            (
                "s3cret",
                "dev-1",
                1_787_120_842,
                "NH1-HMAC-sha256-1000-32",
                (
                    "SFMyNTY.g2gDbQAAAAVkZXYtMW4GABD1sxigAWIAAVGA."
                    "KZSmG1XcZ2wJyLypMhci9nr-K4ygcZVKHIvU5ghpwvk"
                ),
            ),
            (
                (
                    "another secret, longer than one block of the digest, "
                    "which PBKDF2's HMAC hashes first of all"
                ),
                "serial-0042",
                1_700_000_000,
                "NH1-HMAC-sha512-1500-48",
                (
                    "SFMyNTY.g2gDbQAAAAtzZXJpYWwtMDA0Mm4GAABo5c-LAWIAAVGA."
                    "kDa_UA4Q0giHyCibatsVdYBZJVQQlECcBbL5JwAzJuw"
                ),
            ),
        ):
            made = self.example.headers(
                "nhp_abc",
                secret,
                identifier,
                algorithm=algorithm,
                seconds=lambda seconds=seconds: seconds + 0.9,
            )
            self.assertEqual(
                made,
                {
                    "x-nh-alg": algorithm,
                    "x-nh-key": "nhp_abc",
                    "x-nh-time": str(seconds),
                    "x-nh-signature": signature,
                },
            )

    def test_integers(self) -> None:
        """Integers of each size are as Erlang has them."""
        for identifier, milliseconds, term in (
            ("x", 5, "8368036d00000001786105" + "6200015180"),
            ("x", 300, "8368036d0000000178620000012c" + "6200015180"),
            ("x", 2**31, "8368036d00000001786e040000000080" + "6200015180"),
        ):
            made = self.example._term(identifier, milliseconds)
            self.assertEqual(made.hex(), term)
            self.assertEqual(self.example._read_term(made), (identifier, milliseconds))

    def test_server(self) -> None:
        """A server takes them for ninety seconds."""
        made = self.made()
        for late in (-5, 0, 90):
            self.assertEqual(self.identifier_of(made, late), "dev-1")
        with self.assertRaises(ValueError) as caught:
            self.identifier_of(made, 90.1)
        self.assertIn("too old", str(caught.exception))

    def test_forged(self) -> None:
        """Nothing of them may be changed, or missing."""
        made = self.made()
        other = self.example.headers(KEY, SECRET, "dev-2", seconds=lambda: BEGINNING)
        signature = made["x-nh-signature"]
        start, payload, mac = signature.split(".")
        wrongs: list[dict[str, str]] = [
            {**made, "x-nh-key": "nhp_abd"},
            {**made, "x-nh-time": str(BEGINNING + 60)},
            {**made, "x-nh-alg": "NH1-HMAC-sha256-1001-32"},
            {**made, "x-nh-alg": "NH1-HMAC-md5-1000-32"},
            {**made, "x-nh-alg": "NH1-HMAC-sha256-1000000000-32"},
            {**made, "x-nh-alg": "NH1-HMAC-sha256-1000"},
            {**made, "x-nh-alg": "nothing"},
            {**made, "x-nh-signature": self.made("other")["x-nh-signature"]},
            *(
                {**made, "x-nh-signature": text}
                for text in (
                    "",
                    "a.b",
                    "a.b.c",
                    f"{start}..{mac}",
                    f"SFMz.{payload}.{mac}",
                    f"{start}.g2gD.{mac}",
                    f"{start}.é.{mac}",
                    f"{start}.{payload}.{mac}é",
                    f"{start}.{other['x-nh-signature'].split('.')[1]}.{mac}",
                )
            ),
        ]
        for name in made:
            wrongs.append({key: made[key] for key in made if key != name})
        for wrong in wrongs:
            self.assertRaises(ValueError, self.identifier_of, wrong)
        self.assertRaises(ValueError, self.identifier_of, made, secret="other")


class DeviceCase(PhoenixMixin, SynchronousTestCase):
    """A device and its server, in memory, and a clock that begins at a real time.

    :ivar sent: the headers of each connect that the server was asked for.
    """

    skip = NOT_HERE

    def setUp(self) -> None:
        """Make the server's side."""
        self.sent: list[Any] = []
        self.hub = loaded(self, "hub").Hub({KEY: SECRET}, seconds=self.seconds)
        self.module = loaded(self, "device")
        options = self.hub.options()
        connect = options["connect"]

        def noted(params: Any, socket: Any) -> Any:
            self.sent.append(
                {name: text for name, text in socket.headers.items() if "x-nh" in name}
            )
            return connect(params, socket)

        self.server: MemoryServer = self.phoenix_memory_server(
            {"device": loaded(self, "hub").DeviceTopic}, **{**options, "connect": noted}
        )
        self.calls: list[str] = []
        self.failing = False

    def seconds(self) -> float:
        """The time."""
        return BEGINNING + self.server.clock.seconds()

    def sign(self) -> Any:
        """The headers of an attempt."""
        return loaded(self, "shared_secret").headers(
            KEY, SECRET, "serial-1", seconds=self.seconds
        )

    async def install(self, url: str, meta: Any) -> Any:
        """Install it in two steps."""
        self.calls.append(f"install {url}")
        yield 50
        if self.failing:
            raise OSError("no space left on device")
        yield 100

    def device(self, **options: Any) -> SocketClient:
        """Start a device; it is connected unless it cannot be."""
        calls = {
            "reboot": lambda: self.calls.append("reboot"),
            "identify": lambda: self.calls.append("identify"),
        }
        client: SocketClient = self.module.make_device(
            self.server.url,
            self.install,
            calls=calls,
            **{
                "headers": self.sign,
                "reactor": self.server.clock,
                "endpoint": self.server.endpoint,
                "backoff": steps([1]),
                **options,
            },
        )
        # It is not to be heard here.
        self.module.print = lambda *_: None
        client.startService()

        def stop() -> None:
            client.stopService()
            self.server.flush()

        self.addCleanup(stop)
        self.server.flush()
        return client


class AttemptTests(DeviceCase):
    """The headers of each attempt."""

    def test_each_attempt(self) -> None:
        """Each has a time and a signature of its own, over each transport."""
        for options in (
            {},
            {"transport": "longpoll", "serializer": None},
            # WebSocket is refused, so that long-poll is what is connected.
            {"longpoll_fallback": 1.0, "serializer": None},
        ):
            self.sent.clear()
            self.hub.devices.clear()
            if "longpoll_fallback" in options:
                self.server.refuse(503, "websocket")
            client = self.device(**options)
            self.server.advance(2)
            for _ in range(3):
                # Long after a signature of the attempt before would have run out.
                self.server.advance(200)
                self.server.drop()
                self.server.advance(2)
            self.assertTrue(client.connected)
            times = [int(sent["x-nh-time"]) for sent in self.sent]
            signatures = {sent["x-nh-signature"] for sent in self.sent}
            self.assertEqual(times, sorted(times))
            self.assertGreaterEqual(len(set(times)), 4)
            self.assertEqual(len(signatures), len(set(times)))
            self.assertGreaterEqual(len(self.hub.devices), 4)
            client.stopService()
            self.server.flush()

    def test_refused_attempts(self) -> None:
        """So it is where the server refuses: the next attempt may be right."""
        client = self.device()
        self.hub.secrets[KEY] = "another"
        self.server.drop()
        self.server.advance(5)
        self.assertFalse(client.connected)
        self.assertGreaterEqual(len(self.hub.refused), 3)
        self.assertEqual(set(self.hub.refused), {"the signature is wrong"})
        refused = self.sent[1:]
        self.assertEqual(len({sent["x-nh-time"] for sent in refused}), len(refused))
        self.hub.secrets[KEY] = SECRET
        self.server.advance(2)
        self.assertTrue(client.connected)

    def test_made_once(self) -> None:
        """Headers that were made once are refused after ninety seconds."""
        client = self.device(headers=self.sign(), reconnect=False)
        self.assertTrue(client.connected)
        made = self.sign()
        self.server.advance(91)
        late = self.device(headers=made, reconnect=False)
        error = self.failureResultOf(late.when_connected()).value
        self.assertIsInstance(error, HandshakeRefused)
        self.assertEqual(self.hub.refused, ["the signature is too old"])
        self.assertNotIn(made["x-nh-signature"], str(error) + repr(error))
        self.assertNotIn(SECRET, str(error) + repr(late) + repr(late.options))


class UpdateTests(DeviceCase):
    """What a device answers."""

    def topic(self) -> Any:
        """The server's side of the topic."""
        (channel,) = self.server.channels("device")
        return channel

    def test_update(self) -> None:
        """An update is installed, told of, and ends in a reboot."""
        self.device()
        self.topic().update("uuid-2")
        self.server.flush()
        self.assertEqual(
            self.hub.told,
            [
                ("fwup_progress", {"value": 50}),
                ("fwup_progress", {"value": 100}),
                ("rebooting", {}),
            ],
        )
        self.assertEqual(
            self.calls, ["install https://example.org/uuid-2.fw", "reboot"]
        )
        self.assertTrue(self.topic())

    def test_failed_update(self) -> None:
        """One that fails, or that says nothing, is told, and the next may succeed."""
        self.device()
        self.failing = True
        self.topic().update("uuid-2")
        self.server.flush()
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        failed = ("status_update", {"status": "update failed"})
        self.assertEqual(self.hub.told, [("fwup_progress", {"value": 50}), failed])
        self.hub.told.clear()
        wrongs: list[Any] = [{}, None, [], {"firmware_url": "x"}, {"firmware_meta": {}}]
        for payload in wrongs:
            self.topic().push("update", payload)
            self.server.flush()
        self.assertEqual(self.hub.told, [failed] * 5)
        self.failing = False
        self.topic().update("uuid-3")
        self.server.flush()
        self.assertEqual(self.hub.told[-1], ("rebooting", {}))
        self.assertTrue(self.topic())

    def test_other_messages(self) -> None:
        """It reboots and shows itself, and minds nothing else."""
        self.device()
        for event in ("reboot", "identify", "scripts/run", "extensions:get"):
            self.topic().push(event, {})
        self.server.flush()
        self.assertEqual(self.calls, ["reboot", "identify"])
        self.assertEqual(self.hub.told, [("rebooting", {})])

    def test_refused_join(self) -> None:
        """A join that says nothing of a firmware is refused by the server."""
        serializer = loaded(self, "msgpack_serializer").MsgPackSerializer()
        client = SocketClient(
            self.server.url,
            serializer=serializer,
            headers=self.sign,
            reactor=self.server.clock,
            endpoint=self.server.endpoint,
        )
        client.startService()
        self.addCleanup(client.stopService)
        joined = client.channel("device").join()
        self.server.flush()
        error = self.failureResultOf(joined, JoinError).value
        self.assertEqual(error.response, {"reason": "could not connect"})


class BadFrameTests(DeviceCase):
    """What comes of frames that are no messages."""

    def test_client(self) -> None:
        """Each is an error that is told, and counted, and costs nothing else."""
        client = self.device()
        errors: list[BaseException] = []
        client.on_error(errors.append)
        codec = self.hub.options()["serializers"]["3.0.0"]
        good, _ = codec.encode(Message(None, None, "device", "identify", {}))
        wrong_types = b"\x95\xc0\xc0\x01\x02\xc0"
        frames = [b"\xc1", good[:-1], b"\x80", good + b"\x00", wrong_types]
        (session,) = self.server.connections
        for frame in frames:
            session.send_frame(frame, True)
            self.server.flush()
        self.assertEqual(len(errors), len(frames))
        for error in errors:
            self.assertIsInstance(error, SerializerError)
        self.assertEqual(client.get_state("dropped_frames"), len(frames))
        self.assertTrue(client.connected)
        session.send_frame(good, True)
        self.server.flush()
        self.assertEqual(self.calls, ["identify"])
        self.assertEqual(len(self.sent), 1)
