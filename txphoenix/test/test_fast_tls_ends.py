"""Tests of :mod:`txphoenix.transports.fast_tls`, in memory: how it ends."""

from __future__ import annotations

from OpenSSL.SSL import Error
from twisted.internet.error import (
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
)

from .tls_wire import TLSWireTestCase


class EndTests(TLSWireTestCase):
    """TLS 1.3: by a goodbye, without one, by a fault, or by us."""

    def test_goodbye_of_the_server(self) -> None:
        """The server's goodbye is answered, and ends the connection well."""
        self.shake_hands()
        self.server.write(b"bye")
        self.server.say_goodbye()
        self.exchange()
        self.assertEqual(self.client.reads, [b"bye"])
        self.assertTrue(self.server.is_closed)
        self.assert_ended(ConnectionDone)

    def test_goodbye_of_the_client(self) -> None:
        """Ours is sent at once; the connection ends with the server's."""
        self.shake_hands()
        self.tls.write(b"bye")
        self.tls.loseConnection()
        self.tls.loseConnection()
        self.tls.write(b"too late")
        self.server.feed(self.line.sent())
        self.assertEqual(self.server.received, b"bye")
        self.assertTrue(self.server.is_closed)
        self.assertEqual(self.client.lost, [])
        self.server.write(b"still here")
        self.give(self.server.out())
        self.assertEqual(self.client.reads, [b"still here"])
        self.server.say_goodbye()
        self.exchange()
        self.assert_ended(ConnectionDone)

    def test_half_close(self) -> None:
        """A server that has said goodbye reads no more, and is told goodbye."""
        self.shake_hands()
        self.server.say_goodbye()
        self.give(self.server.out())
        self.tls.write(b"nobody reads this")
        self.exchange()
        self.assertEqual(self.server.received, b"")
        self.assert_ended(ConnectionDone)

    def test_end_without_goodbye(self) -> None:
        """An end without a goodbye is a connection that was lost."""
        for is_old in (False, True):
            self.is_old = is_old
            self.setUp()
            self.shake_hands()
            self.line.lose()
            self.assert_ended(ConnectionLost)

    def test_truncated(self) -> None:
        """So is one in the middle of a record; what was whole is delivered."""
        self.shake_hands()
        self.server.write(b"whole")
        whole = self.server.out()
        self.server.write(b"part")
        self.give(whole + self.server.out()[:-1])
        self.line.lose()
        self.assertEqual(self.client.reads, [b"whole"])
        self.assert_ended(ConnectionLost)

    def test_lost_in_the_handshake(self) -> None:
        """So is one in the middle of the handshake."""
        self.begin()
        self.server.feed(self.line.sent())
        self.give(self.server.out()[:-1])
        self.line.lose()
        self.assert_ended(ConnectionLost)

    def test_no_goodbye_without_a_handshake(self) -> None:
        """Who gives up in the handshake, and has written nothing, waits for nobody."""
        self.begin()
        self.tls.loseConnection()
        self.line.clock.advance(0)
        self.assert_ended(ConnectionAborted)

    def test_garbage(self) -> None:
        """What is no record ends the connection at once, with an alert."""
        for garbage in (
            b"HTTP/1.1 400 Bad Request\r\n",
            b"\x17\x03\x03\xff\xff",
            b"\x17\x07\x03\x00\x20",
        ):
            self.setUp()
            self.shake_hands()
            self.server.write(b"good")
            self.give(self.server.out() + garbage)
            self.assertEqual(self.client.reads, [b"good"])
            self.assertNotEqual(self.line.sent(), b"")
            self.assert_ended(ConnectionLost, Error)

    def test_garbage_first(self) -> None:
        """A server that knows no TLS is told from the others."""
        self.begin()
        self.give(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.line.sent()
        self.assert_ended(Error)

    def test_broken_record(self) -> None:
        """A record that was changed on its way ends the connection."""
        self.shake_hands()
        self.server.write(b"good")
        good = self.server.out()
        self.server.write(b"bad")
        bad = self.server.out()
        self.give(good + bad[:-1] + bytes([bad[-1] ^ 1]) + good)
        self.assertEqual(self.client.reads, [b"good"])
        self.line.sent()
        self.assert_ended(Error)

    def test_wrong_host(self) -> None:
        """A certificate for another host is refused, and the error says so."""
        self.host = "example.org"
        self.setUp()
        self.begin()
        self.tls.write(b"secret")
        self.server.feed(self.line.sent())
        self.give(self.server.out())
        self.assertTrue(self.line._aborting)
        self.assertNotIn(self.line, self.line.clock.writers)
        self.assertEqual(self.line.memory.sent, b"")
        self.line.clock.advance(0)
        self.assertEqual(self.server.received, b"")
        (reason,) = self.client.lost
        self.assertIn("example.org", str(reason))

    def test_abort(self) -> None:
        """An abort ends the connection at any stage; nothing more is delivered."""
        for stage in range(4):
            self.setUp()
            if stage:
                self.begin()
            if stage > 1:
                self.server.feed(self.line.sent())
                answer = self.server.out()
                self.give(answer if stage > 2 else answer[:100])
            if not stage:
                self.patch(self.client, "connectionMade", self.abort)
                self.begin()
            self.tls.write(b"never")
            self.tls.abortConnection()
            self.tls.abortConnection()
            sent = self.line.memory.sent
            self.tls.write(b"never")
            self.tls.dataReceived(b"\x17\x03\x03\x00\x01x")
            self.tls.loseConnection()
            self.assertEqual(self.line.memory.sent, sent)
            self.line.clock.advance(0)
            self.assert_ended(ConnectionAborted, ConnectionLost)
            self.assertEqual(self.client.reads, [])

    def abort(self) -> None:
        """Do so."""
        self.tls.abortConnection()


class InsideTests(TLSWireTestCase):
    """What a protocol does in the middle of a read."""

    def test_answer_inside(self) -> None:
        """A protocol may write in the middle of a read."""
        self.shake_hands()
        self.client.on_data = lambda: self.tls.write(b"pong")
        self.server.write(b"ping")
        self.exchange()
        self.assertEqual(self.server.received, b"pong")

    def test_pause_inside(self) -> None:
        """A protocol may pause; nothing is read until it goes on."""
        self.shake_hands()
        self.client.on_data = self.tls.pauseProducing
        self.server.write(b"one")
        self.server.write(b"two")
        self.exchange()
        self.assertEqual(self.client.reads, [b"onetwo"])
        self.assertNotIn(self.line, self.line.clock.readers)
        self.tls.resumeProducing()
        self.assertIn(self.line, self.line.clock.readers)

    def test_end_inside(self) -> None:
        """A protocol may end the connection in the middle of a read."""
        for end in ("abortConnection", "loseConnection"):
            self.setUp()
            self.shake_hands()
            self.client.on_data = getattr(self.tls, end)
            self.server.write(b"one")
            self.server.say_goodbye()
            self.exchange()
            self.assertNotIn(self.line, self.line.clock.writers)
            self.line.clock.advance(0)
            self.assertEqual(self.client.reads, [b"one"])
            self.assert_ended(ConnectionDone, ConnectionAborted)

    def test_lost_inside(self) -> None:
        """So may the connection itself."""
        self.shake_hands()
        self.client.on_data = self.line.lose
        self.server.write(b"one")
        self.server.say_goodbye()
        self.give(self.server.out())
        self.assertEqual(self.client.reads, [b"one"])
        self.assert_ended(ConnectionDone, ConnectionLost)

    def test_raising_inside(self) -> None:
        """What a protocol raises is the reactor's to see, and loses no later data."""

        def fail() -> None:
            raise ZeroDivisionError

        self.shake_hands()
        self.client.on_data = fail
        self.server.write(b"one")
        records = self.server.out()
        self.assertRaises(ZeroDivisionError, self.give, records)
        self.client.on_data = None
        self.server.write(b"two")
        self.exchange()
        self.assertEqual(self.client.reads, [b"one", b"two"])


class OldEndTests(EndTests):
    """TLS 1.2."""

    is_old = True
