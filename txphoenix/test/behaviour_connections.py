"""What a client does with its connection, whatever carries its frames."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from txphoenix import ChannelClosed, HandshakeRefused, PushInterrupted

from .behaviour import ECHO, ROOM, BehaviourCase

__all__ = ["ConnectionsMixin"]


class ConnectionsMixin(BehaviourCase):
    """How it begins, is lost, comes back and ends."""

    # -- Connecting ---------------------------------------------------------------

    def test_transport(self) -> None:
        """The server knows the transport, the params and the headers."""
        _, channel = self.joined(params={"n": 1}, headers={"x-test": "yes"})
        info = self.answered(channel.push("conn_info", {}))
        self.assertEqual(info["transport"], self.transport)
        self.assertEqual(info["params"]["vsn"], self.vsn)
        self.assertEqual(info["x_headers"]["x-test"], "yes")

    def test_params(self) -> None:
        """Params are asked for before each attempt, and arrive as they were."""
        asked: list[int] = []

        def params() -> Deferred[Any]:
            asked.append(1)
            return succeed({"user": {"name": "ä b"}, "ids": [1, 2], "n": len(asked)})

        client = self.connected_client(params=params)
        socket = self.memory.sessions[-1].socket
        self.assertEqual(socket.params["user"], {"name": "ä b"})
        self.assertEqual(socket.params["ids"], ["1", "2"])
        first = int(socket.params["n"])
        self.memory.drop()
        self.wait_until(lambda: len(self.memory.sessions) > 1 and client.connected)
        self.assertGreater(int(self.memory.sessions[-1].socket.params["n"]), first)

    def test_auth_token(self) -> None:
        """The auth token arrives as it is, and is asked for before each attempt."""
        tokens = ["s3cret:tok/+=", "another"]
        asked: list[str] = []

        def token() -> str:
            asked.append(tokens[len(self.memory.sessions)])
            return asked[-1]

        client = self.connected_client(
            url=self.memory.url_of("/authsocket"), auth_token=token
        )
        self.memory.drop()
        self.wait_until(lambda: len(self.memory.sessions) > 1 and client.connected)
        self.assertEqual(
            [session.socket.auth_token for session in self.memory.sessions], tokens
        )

    def test_refused(self) -> None:
        """A refused connect is a 403, however it is told; a crash is a 500."""
        for token, status in (("invalid", 403), ("raise", 500)):
            client = self.make_client(params={"token": token}, reconnect=False)
            waiting = client.when_connected()
            client.startService()
            error = self.answered(waiting)
            self.assertIsInstance(error, HandshakeRefused)
            self.assertEqual(error.status, status)

    def test_hooks(self) -> None:
        """on_open and on_close are called once for each connection."""
        client = self.make_client()
        happened: list[Any] = []
        client.on_open(lambda: happened.append("open"))
        client.on_close(lambda reason: happened.append(type(reason).__name__))
        client.startService()
        self.memory.flush()
        self.memory.drop()
        self.wait_until(lambda: len(happened) == 3)
        self.assertEqual(happened, ["open", "ConnectionClosed", "open"])
        self.answered(client.disconnect())
        self.assertEqual(happened[3:], ["ConnectionClosed"])

    def test_ping(self) -> None:
        """A heartbeat can be sent and is answered."""
        client = self.connected_client()
        self.assertIsInstance(self.answered(client.ping()), float)

    def test_long_quiet(self) -> None:
        """Ten quiet minutes are no reason to lose a connection."""
        client, channel = self.joined()
        self.memory.advance(600.0)
        self.assertTrue(client.connected)
        self.assertEqual(len(self.memory.sessions), 1)
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)

    # -- What goes wrong ----------------------------------------------------------

    def test_channel_crashes(self) -> None:
        """A channel that crashes on the server is joined again."""
        _, channel = self.joined()
        errors: list[Any] = []
        channel.on_error(errors.append)
        error = self.answered(channel.push("crash", {}))
        self.assertIsInstance(error, PushInterrupted)
        self.assertIsInstance(errors[0], ChannelClosed)
        self.wait_until(lambda: channel.state == "joined")
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)
        self.assertEqual(len(self.memory.sessions), 1)

    def test_channel_closed(self) -> None:
        """A channel that the server closes stays closed."""
        _, channel = self.joined()
        self.answered(channel.push("stop_reply", {"bye": 1}))
        self.wait_until(lambda: channel.state == "closed")
        self.memory.advance(30.0)
        self.assertEqual(self.memory.channels(), [])

    def test_kick(self) -> None:
        """Who is kicked comes back, and all channels with him."""
        client, channel = self.joined(params={"user_id": "me"})
        other = client.channel(ROOM)
        self.answered(other.join())
        self.memory.kick("user_socket:me")
        self.is_back(channel, other)
        self.assertEqual(len(self.memory.channels()), 2)
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)

    def test_deploy(self) -> None:
        """A server that restarts is found again."""
        _, channel = self.joined()
        self.memory.stop()
        self.memory.advance(30.0)
        self.assertEqual(channel.state, "errored")
        self.memory.start()
        self.wait_until(lambda: channel.state == "joined")

    def test_network_gone(self) -> None:
        """What was under way fails at once; what is pushed meanwhile is kept."""
        client, channel = self.joined()
        under_way = self.watch(channel.push("noreply", {}))
        self.memory.flush()
        self.memory.drop()
        self.memory.flush()
        self.assertFalse(client.connected)
        self.assert_failed(under_way, PushInterrupted)
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)
        self.assertEqual(len(self.memory.sessions), 2)

    def test_silent_server(self) -> None:
        """A server that answers nothing any more is given up and tried again."""
        client, channel = self.joined()
        reasons: list[Any] = []
        client.on_close(reasons.append)
        self.memory.pause()
        self.memory.advance(45.0)
        self.assertEqual(len(reasons), 1)
        self.memory.resume()
        self.wait_until(lambda: channel.state == "joined")

    def test_again_and_again(self) -> None:
        """Each time the channels are joined once, and hooks hear a message once."""
        client, channel = self.joined()
        heard = self.hear(channel, "shout")
        for i in range(5):
            self.memory.drop()
            self.is_back(channel)
            self.answered(channel.push("broadcast", i))
        self.assertEqual(heard, [0, 1, 2, 3, 4])
        self.assertEqual(len(self.memory.channels(ECHO)), 1)
        self.assertTrue(client.connected)

    # -- The user's doing ---------------------------------------------------------

    def test_disconnect(self) -> None:
        """After disconnect() nothing is left, and connect() joins again."""
        client, channel = self.joined()
        errors: list[Any] = []
        channel.on_error(errors.append)
        under_way = self.watch(channel.push("noreply", {}))
        self.memory.flush()
        self.assertIsNone(self.answered(client.disconnect()))
        self.assert_failed(under_way, PushInterrupted)
        self.assertEqual(self.memory.pairs, [])
        self.assertEqual(channel.state, "errored")
        self.memory.advance(60.0)
        self.assertEqual(len(self.memory.sessions), 1)
        client.connect()
        self.wait_until(lambda: channel.state == "joined")
        self.assertEqual(errors, [])

    def test_pushed_before_disconnect(self) -> None:
        """What was pushed before disconnect() arrives."""
        client, channel = self.joined()
        got: list[Any] = []
        self.memory.when_received("noreply").addCallback(got.append)
        channel.push_async("noreply", {"last": 1})
        self.answered(client.disconnect())
        self.assertEqual(got[0].payload, {"last": 1})

    def test_reconfigure(self) -> None:
        """New params make a new connection, on which all is joined again."""
        client, channel = self.joined()
        self.assertIsNone(self.answered(client.reconfigure(params={"user_id": "x"})))
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.memory.sessions[-1].socket.id, "user_socket:x")
