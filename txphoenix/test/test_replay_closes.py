"""Our client in the recorded situations: the ends of connections."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import (
    ConnectionClosed,
    JoinError,
    JoinTimeout,
    PushInterrupted,
)
from txphoenix.protocol.backoff import steps

from .recordings import Closed, Pong, Remark, WireFrame
from .replay import Replay, ReplayTestCase, replays
from .scripted_server import ClientFrame


class CloseTests(ReplayTestCase):
    """What ends a connection is told with its code, and followed by another."""

    def rejoin(self, replay: Replay) -> None:
        """See that the client connects again, joins again, and is joined."""
        client = replay.client()
        client.come_back()
        join, answer = replay.section.frames()[:2]
        topic = next(iter(client.channels))
        responses = len(client.channel(topic).responses)
        replay.play([join, answer])
        self.assertEqual(len(client.channel(topic).responses), responses + 1)
        self.assertEqual(client.channel(topic).state, "joined")

    @replays("kick (disconnect broadcast to the socket's id)")
    def test_kick(self, replay: Replay) -> None:
        """A kick fails the push that brought it, and the client comes back."""
        replay.play_rest()
        client = replay.client()
        error = client.outcome("2")
        assert isinstance(error, PushInterrupted)
        self.assertEqual([error.cause], client.reasons)
        self.assertEqual(client.channel_errors, client.reasons)
        self.rejoin(replay)

    @replays("drop (transport killed)")
    def test_drop(self, replay: Replay) -> None:
        """An end without a close is 1006, and the client comes back."""
        replay.play_rest()
        self.assertEqual([each.code for each in replay.client().reasons], [1006])
        self.rejoin(replay)

    @replays("drain (server going down in good order)", backoff=steps([0.0]))
    def test_drain(self, replay: Replay) -> None:
        """After 1012 the client waits a while, however short its backoff is."""
        replay.play_rest()
        client = replay.client()
        self.assertEqual([each.code for each in client.reasons], [1012])
        replay.server.advance(0.49)
        self.assertEqual(client.client.status, "disconnected")
        replay.server.wait_for(lambda: client.client.connected, 5.0)
        replay.play(replay.section.frames()[:2])
        self.assertEqual(client.channel("echo:k").state, "joined")

    @replays("2 s of silence on /shorttimeout")
    def test_silence(self, replay: Replay) -> None:
        """A server that closes for our silence is connected to again."""
        replay.step()
        replay.step()
        replay.server.advance(2.3)
        replay.play_rest()
        self.rejoin(replay)

    @replays("server pushes (not client frames) every 0.7 s on /shorttimeout")
    def test_server_pushes(self, replay: Replay) -> None:
        """The same, although the server has sent something meanwhile."""
        replay.step()
        replay.step()
        replay.server.advance(2.2)
        replay.play_rest()
        self.rejoin(replay)

    @replays("client pings; client closes 1000, 4001, and without a code")
    def test_client_closes(self, replay: Replay) -> None:
        """``disconnect()`` sends its code, reports the server's, and stays away.

        It always has a code; so the last of the recorded answers is given to 1000.
        The pong is one that our client has not asked for, and changes nothing.
        """
        pong, *closes = replay.take_rest()
        for code, closed in zip((1000, 4001, 1000), closes, strict=True):
            assert isinstance(pong, Pong)
            assert isinstance(closed, Closed)
            client = replay.fresh_client()
            replay.play([pong])
            client.connection.close_code = closed.code
            disconnected = client.client.disconnect(code)
            self.assertNoResult(disconnected)
            replay.server.flush()
            self.successResultOf(disconnected)
            self.assertEqual(
                client.connection.take_frames(),
                [ClientFrame(0x88, code.to_bytes(2, "big"))],
            )
            [reason] = client.reasons
            assert isinstance(reason, ConnectionClosed)
            self.assertEqual((reason.code, reason.was_clean), (closed.code, True))
            count = len(replay.server.connections)
            replay.server.advance(60.0)
            self.assertEqual(len(replay.server.connections), count)

    @replays("12 kB frame to /smallframe (max_frame_size 10 kB)")
    def test_frame_too_large(self, replay: Replay) -> None:
        """A join that the server will not read is tried until its time is over."""
        sent, closed = replay.take_rest()
        assert isinstance(sent, WireFrame)
        assert isinstance(closed, Closed)
        end = b'"}]'
        whole = sent.data + b"x" * (sent.missing - len(end)) + end
        join = WireFrame(False, "", whole)
        replay.play([join, closed])
        client = replay.client()
        self.assertTrue(client.is_waiting("1"))
        client.come_back()
        replay.play([join, closed])
        self.assertEqual([each.code for each in client.reasons], [1009] * 2)
        replay.server.advance(client.client.get_state("timeout"))
        self.assertIsInstance(client.outcome("1"), JoinTimeout)
        self.assertEqual(client.channel("echo:a").state, "closed")

    @replays("101 channels on one socket of /socket (limit 100), then /bench")
    def test_too_many_channels(self, replay: Replay) -> None:
        """A join beyond the server's limit is refused, and the others stay.

        The recording has the last of the replies; those before it are made here.
        """
        for remark in replay.take_rest():
            assert isinstance(remark, Remark)
            said, _, last = remark.text.partition("; last: ")
            self.assertRegex(said, "101 replies$")
            client = replay.fresh_client()
            for i in range(101):
                join = [str(i), str(i), f"bench:{i}", "phx_join", {}]
                reply = {"response": {}, "status": "ok"}
                answer = [*join[:3], "phx_reply", reply]
                replay.play([_frame(False, _compact(join))])
                replay.play([_frame(True, last if i == 100 else _compact(answer))])
            joined = [each for each in client.channels.values() if each.is_joined]
            if "error" in last:
                self.assertEqual(len(joined), 100)
                error = client.outcome("100")
                assert isinstance(error, JoinError)
                self.assertEqual(error.reason, "too many channels joined")
            else:
                self.assertEqual(len(joined), 101)


def _frame(is_sent_by_server: bool, text: str) -> WireFrame:
    return WireFrame(is_sent_by_server, "", text.encode("ascii"))


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


class Bandit18Tests(CloseTests, SynchronousTestCase):
    """Phoenix 1.8 behind Bandit."""

    flavour = "1.8-bandit"


class Cowboy18Tests(CloseTests, SynchronousTestCase):
    """Phoenix 1.8 behind Cowboy."""

    flavour = "1.8-cowboy"


class Bandit17Tests(CloseTests, SynchronousTestCase):
    """Phoenix 1.7 behind Bandit."""

    flavour = "1.7-bandit"
