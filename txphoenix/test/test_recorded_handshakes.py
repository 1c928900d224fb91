"""The server of the kit answers handshakes as the recorded Phoenix servers did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from .recorded_app import recorded_memory_server
from .recordings import RECORDINGS, Handshake, recording
from .wire_client import RawClient, upgrade_request

if TYPE_CHECKING:
    _TestCase = SynchronousTestCase
else:
    _TestCase = object

HANDSHAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "an upgrade": ("/socket/websocket?vsn=2.0.0", {}),
    "no vsn (= 1.0.0)": ("/socket/websocket", {}),
    "vsn=1.0.0": ("/socket/websocket?vsn=1.0.0", {}),
    "vsn=3.0.0": ("/socket/websocket?vsn=3.0.0", {}),
    "vsn=abc": ("/socket/websocket?vsn=abc", {}),
    "token=invalid (connect -> :error)": (
        "/socket/websocket?vsn=2.0.0&token=invalid",
        {},
    ),
    "token=forbidden (connect -> {:error, _})": (
        "/socket/websocket?vsn=2.0.0&token=forbidden",
        {},
    ),
    "token=raise": ("/socket/websocket?vsn=2.0.0&token=raise", {}),
    "wrong path": ("/nowhere/websocket?vsn=2.0.0", {}),
    "plain GET on the websocket path": (
        "/socket/websocket?vsn=2.0.0",
        {
            "connection": None,
            "upgrade": None,
            "sec_websocket_key": None,
            "sec_websocket_version": None,
        },
    ),
    "POST on the websocket path": (
        "/socket/websocket?vsn=2.0.0",
        {"method": "POST", "content_length": "0"},
    ),
    "Sec-WebSocket-Version: 12": (
        "/socket/websocket?vsn=2.0.0",
        {"sec_websocket_version": "12"},
    ),
    "asks subprotocol foo": (
        "/socket/websocket?vsn=2.0.0",
        {"sec_websocket_protocol": "foo"},
    ),
    "offers permessage-deflate to /deflate": (
        "/deflate/websocket?vsn=2.0.0",
        {"sec_websocket_extensions": "permessage-deflate; client_max_window_bits"},
    ),
    "offers permessage-deflate to /socket": (
        "/socket/websocket?vsn=2.0.0",
        {"sec_websocket_extensions": "permessage-deflate; client_max_window_bits"},
    ),
    "/authsocket with phoenix + base64url.bearer.phx. subprotocols": (
        "/authsocket/websocket?vsn=2.0.0",
        {"sec_websocket_protocol": "phoenix, base64url.bearer.phx.czNjcmV0OnRvaw"},
    ),
    "/authsocket with no subprotocol": ("/authsocket/websocket?vsn=2.0.0", {}),
    "/authsocket with the bearer only": (
        "/authsocket/websocket?vsn=2.0.0",
        {"sec_websocket_protocol": "base64url.bearer.phx.czNjcmV0OnRvaw"},
    ),
    "/authsocket with undecodable bearer": (
        "/authsocket/websocket?vsn=2.0.0",
        {"sec_websocket_protocol": "phoenix, base64url.bearer.phx.a-b_"},
    ),
}
"""What each recorded handshake asked: the target, and the headers that are special."""

PARTLY_LEFT_OUT = {"date", "cache-control"}
"""Headers that the recording has left out of some lines."""


class PlayedHandshakes(_TestCase):
    """The handshakes of one recording, to be mixed with a test case for each."""

    flavour: ClassVar[str]

    def test_handshakes(self) -> None:
        """Each handshake gets the recorded status, headers and body."""
        for recorded in recording(self.flavour).section("handshake, raw").happenings:
            if not isinstance(recorded, Handshake):
                self.fail(f"expected a handshake, not {recorded}")
            server = recorded_memory_server(flavour=self.flavour)
            client: RawClient = RawClient.connect(server)
            target, headers = HANDSHAKES[recorded.title]
            client.write(upgrade_request(target, **headers))
            server.flush()
            self.check_answer(client, recorded)

    def check_answer(self, client: RawClient, recorded: Handshake) -> None:
        """Compare an answer to a handshake with the recorded one."""
        head, _, body = client.received.decode("ascii").partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        self.assertEqual((status, body), (recorded.status, recorded.body))
        headers = [
            (name.lower(), "a date" if name.lower() == "date" else value)
            for name, _, value in (line.partition(": ") for line in lines)
        ]
        expected = [
            (name, "a date" if name == "date" else value)
            for name, value in recorded.headers
        ]
        left_out = PARTLY_LEFT_OUT - {name for name, _ in expected}
        headers = [header for header in headers if header[0] not in left_out]
        if not status.endswith("101 Switching Protocols"):
            # Twisted's server has an order of its own.
            headers, expected = sorted(headers), sorted(expected)
        self.assertEqual(headers, expected, recorded.title)
        self.assertEqual(client.lost is not None, recorded.is_closed, recorded.title)


class Bandit18Tests(PlayedHandshakes, SynchronousTestCase):
    """Phoenix 1.8 behind Bandit."""

    flavour = "1.8-bandit"


class Cowboy18Tests(PlayedHandshakes, SynchronousTestCase):
    """Phoenix 1.8 behind Cowboy."""

    flavour = "1.8-cowboy"


class Bandit17Tests(PlayedHandshakes, SynchronousTestCase):
    """Phoenix 1.7 behind Bandit."""

    flavour = "1.7-bandit"


class CompletenessTests(SynchronousTestCase):
    """No recorded handshake is passed over."""

    def test_every_handshake(self) -> None:
        """Each recorded handshake has its request."""
        for flavour in RECORDINGS:
            for happening in recording(flavour).section("handshake, raw").happenings:
                self.assertIn(getattr(happening, "title", None), HANDSHAKES)
