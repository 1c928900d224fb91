"""Our client in the recorded situations: the answers to the handshake.

The recorded answers are sent byte for byte, but for ``Sec-WebSocket-Accept``.
"""

from __future__ import annotations

import zlib
from typing import Any
from urllib.parse import urlsplit

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import ConfigurationError, HandshakeRefused, SocketClient
from txphoenix.protocol.backoff import steps

from .recorded_frames import with_refs
from .recordings import RECORDINGS, Handshake, recording
from .replay import Replay, ReplayTestCase, replays
from .replayed_client import RECONNECT_DELAY
from .scripted_server import ScriptedServer, accept_key
from .wire_client import KEY

HOST = "ws://127.0.0.1:4000"
DEFLATE = "offers permessage-deflate to /deflate"
WITH_TOKEN = "/authsocket with phoenix + base64url.bearer.phx. subprotocols"

ASKED: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "an upgrade": ({}, "/socket/websocket", {"vsn=2.0.0"}),
    "vsn=1.0.0": ({"vsn": "1.0.0"}, "/socket/websocket", {"vsn=1.0.0"}),
    "token=invalid (connect -> :error)": (
        {"params": {"token": "invalid"}},
        "/socket/websocket",
        {"vsn=2.0.0", "token=invalid"},
    ),
    "token=forbidden (connect -> {:error, _})": (
        {"params": {"token": "forbidden"}},
        "/socket/websocket",
        {"vsn=2.0.0", "token=forbidden"},
    ),
    "token=raise": (
        {"params": {"token": "raise"}},
        "/socket/websocket",
        {"vsn=2.0.0", "token=raise"},
    ),
    "wrong path": ({"url": f"{HOST}/nowhere"}, "/nowhere/websocket", {"vsn=2.0.0"}),
    DEFLATE: (
        {"url": f"{HOST}/deflate", "compression": True},
        "/deflate/websocket",
        {"vsn=2.0.0"},
    ),
    "offers permessage-deflate to /socket": (
        {"compression": True},
        "/socket/websocket",
        {"vsn=2.0.0"},
    ),
    WITH_TOKEN: (
        {"url": f"{HOST}/authsocket", "auth_token": "s3cret:tok"},
        "/authsocket/websocket",
        {"vsn=2.0.0"},
    ),
    "/authsocket with no subprotocol": (
        {"url": f"{HOST}/authsocket"},
        "/authsocket/websocket",
        {"vsn=2.0.0"},
    ),
}
"""What our client is made with to ask what the recorder did; the path and the query of
its request."""

NEVER_ASKED: dict[str, tuple[dict[str, Any], str]] = {
    "no vsn (= 1.0.0)": ({}, "our query always has vsn"),
    "vsn=3.0.0": ({}, "we know two versions, and refuse another ourselves"),
    "vsn=abc": ({}, "we know two versions, and refuse another ourselves"),
    "plain GET on the websocket path": ({}, "our request always asks for the upgrade"),
    "POST on the websocket path": ({}, "our request is a GET"),
    "Sec-WebSocket-Version: 12": ({}, "our version is 13"),
    "asks subprotocol foo": ({}, "we ask for no subprotocol but for the auth token's"),
    "/authsocket with the bearer only": (
        {"auth_token": "s3cret:tok"},
        "we offer phoenix as well; but a server may choose no subprotocol",
    ),
    "/authsocket with undecodable bearer": (
        {"auth_token": "s3cret:tok"},
        "our token is encoded as the server wants it",
    ),
}
"""What our client never asks, and why; and what it is made with to get the answer."""


class HandshakeTests(ReplayTestCase):
    """Each recorded answer to a handshake, given to our client's."""

    def handshakes(self, replay: Replay) -> list[Handshake]:
        """The recorded handshakes."""
        return [it for it in replay.take_rest() if isinstance(it, Handshake)]

    def handshake(self, replay: Replay, title: str) -> Handshake | None:
        """The one of that title, if the server has been asked."""
        found = [it for it in self.handshakes(replay) if it.title == title]
        return found[0] if found else None

    def connect(
        self, handshake: Handshake, **options: Any
    ) -> tuple[SocketClient, ScriptedServer]:
        """Have a client connect to a server that answers so."""
        server = ScriptedServer(handshake)
        client = SocketClient(
            **{"url": server.url, **options},
            endpoint=server,
            reactor=server.clock,
            backoff=steps([RECONNECT_DELAY]),
        )
        client.startService()
        self.addCleanup(self.stop, client, server)
        return client, server

    def stop(self, client: SocketClient, server: ScriptedServer) -> None:
        """End it; nothing may remain."""
        stopped = client.stopService()
        server.flush()
        self.successResultOf(stopped)
        self.assertEqual(server.clock.getDelayedCalls(), [])

    @replays("handshake, raw")
    def test_answers(self, replay: Replay) -> None:
        """101 opens the connection; any other status refuses it, and is tried again."""
        for handshake in self.handshakes(replay):
            if handshake.title in ASKED:
                options, path, query = ASKED[handshake.title]
            else:
                options, _ = NEVER_ASKED[handshake.title]
                path, query = "", set()
            client, server = self.connect(handshake, **options)
            errors: list[Exception] = []
            client.on_error(errors.append)
            connected = client.when_connected(fail_after_failures=1)
            server.flush()
            if path:
                target = urlsplit(server.connections[0].target)
                self.assertEqual(target.path, path, handshake.title)
                self.assertEqual(set(target.query.split("&")), query, handshake.title)
            if " 101 " in handshake.status:
                self.assertIs(self.successResultOf(connected), client)
                self.assertEqual(errors, [], handshake.title)
                self.check_heartbeat(client, server)
            else:
                failure = self.failureResultOf(connected, HandshakeRefused)
                self.assertEqual(errors, [failure.value], handshake.title)
                self.check_refusal(handshake, failure.value, client, server)
        # That is for version 1. txaio's own is for what it calls, on Python 3.14.
        warnings = [
            each["category"]
            for each in self.flushWarnings()
            if "asyncio.iscoroutinefunction" not in each["message"]
        ]
        self.assertEqual(warnings, [DeprecationWarning])

    def check_heartbeat(self, client: SocketClient, server: ScriptedServer) -> None:
        """See that frames go both ways; they are as recorded for that version."""
        title = "heartbeat" if client.get_state("vsn") == "2.0.0" else "V1 serializer"
        sent, answer = recording(self.flavour).section(title).frames()[:2]
        connection = server.connections[-1]
        pinged = client.ping()
        server.flush()
        [frame] = connection.take_frames()
        if frame.first == 0x81:
            self.assertEqual(frame.payload, with_refs(sent, None, "1"))
            connection.send(with_refs(answer, None, "1"))
            server.flush()
            self.assertEqual(self.successResultOf(pinged), 0.0)
        else:
            # It is compressed, which is another test's.
            self.assertEqual(frame.first, 0xC1)
            self.assertIn("sec-websocket-extensions", connection.headers)
            pinged.addErrback(lambda failure: None)

    def check_refusal(
        self,
        handshake: Handshake,
        error: HandshakeRefused,
        client: SocketClient,
        server: ScriptedServer,
    ) -> None:
        """See that a refusal has what the server said, and ends the connection."""
        self.assertEqual(error.status, int(handshake.status.split(" ")[1]))
        self.assertEqual(dict(error.headers), dict(handshake.headers))
        self.assertEqual(client.status, "disconnected")
        self.assertTrue(server.connections[0].is_lost)
        for _, value in handshake.headers:
            # A number may be that of another thing.
            if not value.isdigit():
                self.assertNotIn(value, f"{error} {error!r}")
        server.advance(RECONNECT_DELAY)
        self.assertEqual(len(server.connections), 2)

    @replays("handshake, raw")
    def test_auth_token(self, replay: Replay) -> None:
        """The token is the second subprotocol, in standard base64 without padding."""
        handshake = self.handshake(replay, WITH_TOKEN)
        if handshake is None:
            # Phoenix 1.7 has no auth tokens.
            self.assertEqual(self.flavour, "1.7-bandit")
            return
        options = ASKED[WITH_TOKEN][0]
        # The second's encoding has the two characters that other base64 has not.
        tokens = {options["auth_token"]: "czNjcmV0OnRvaw", "a?>~~?~": "YT8+fn4/fg"}
        for token, encoded in tokens.items():
            client, server = self.connect(handshake, **{**options, "auth_token": token})
            server.flush()
            self.assertTrue(client.connected)
            offered = server.connections[0].headers["sec-websocket-protocol"]
            self.assertEqual(
                [each.strip() for each in offered.split(",")],
                ["phoenix", f"base64url.bearer.phx.{encoded}"],
            )

    @replays("handshake, raw")
    def test_compression(self, replay: Replay) -> None:
        """What the server takes of the offer holds for the frames of both."""
        handshake = self.handshake(replay, DEFLATE)
        assert handshake is not None
        client, server = self.connect(handshake, **ASKED[DEFLATE][0])
        server.flush()
        connection = server.connections[0]
        offer = connection.headers["sec-websocket-extensions"]
        self.assertTrue(offer.startswith("permessage-deflate"), offer)
        sent, answer = recording(self.flavour).section("heartbeat").frames()
        inflate, deflate = zlib.decompressobj(-15), zlib.compressobj(wbits=-15)
        # The second shows that both keep the window of the first.
        for ref in ("1", "2"):
            pinged = client.ping()
            server.flush()
            [frame] = connection.take_frames()
            self.assertEqual(frame.first, 0xC1)
            tail = b"\x00\x00\xff\xff"  # RFC 7692 section 7.2.1
            text = inflate.decompress(frame.payload + tail)
            self.assertEqual(text, with_refs(sent, None, ref))
            data = deflate.compress(with_refs(answer, None, ref))
            data += deflate.flush(zlib.Z_SYNC_FLUSH)
            connection.send_frame(0x41, data.removesuffix(tail))
            server.flush()
            self.assertEqual(self.successResultOf(pinged), 0.0)


class Bandit18Tests(HandshakeTests, SynchronousTestCase):
    """Phoenix 1.8 behind Bandit."""

    flavour = "1.8-bandit"


class Cowboy18Tests(HandshakeTests, SynchronousTestCase):
    """Phoenix 1.8 behind Cowboy."""

    flavour = "1.8-cowboy"


class Bandit17Tests(HandshakeTests, SynchronousTestCase):
    """Phoenix 1.7 behind Bandit."""

    flavour = "1.7-bandit"


class TableTests(SynchronousTestCase):
    """The two tables have each recorded handshake once, and no other."""

    def test_every_handshake(self) -> None:
        """A handshake that is in no table would not have been thought about."""
        titles = {
            it.title
            for flavour in RECORDINGS
            for it in recording(flavour).section("handshake, raw").happenings
            if isinstance(it, Handshake)
        }
        self.assertEqual(sorted(titles), sorted([*ASKED, *NEVER_ASKED]))

    def test_accept_key(self) -> None:
        """The key that the recorder sent gives the recorded answer."""
        for flavour in RECORDINGS:
            upgrade = recording(flavour).section("handshake, raw").happenings[0]
            assert isinstance(upgrade, Handshake)
            accept = dict(upgrade.headers)["sec-websocket-accept"]
            self.assertEqual(accept_key(KEY), accept)

    def test_unknown_version(self) -> None:
        """A version that the server would refuse is refused before it is asked."""
        for vsn in ("3.0.0", "abc"):
            with self.assertRaises(ConfigurationError):
                SocketClient(f"{HOST}/socket", vsn=vsn)
