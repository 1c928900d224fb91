"""Tests of :mod:`txphoenix.transports.fast_tls`, in memory."""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import Connection, Error
from twisted.internet.error import (
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
)
from twisted.internet.interfaces import INegotiated, ISSLTransport

from txphoenix.transports import openssl_calls

from .tls_wire import TLSWireTestCase

LARGE = 200_000


class NewTests(TLSWireTestCase):
    """TLS 1.3."""

    def test_both_ways(self) -> None:
        """What is written arrives, whatever its size."""
        self.shake_hands()
        for size in (1, 100, 2**14, 2**14 + 1, LARGE):
            self.client.reads.clear()
            self.server.received = b""
            data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
            self.tls.write(data)
            self.server.write(data)
            self.exchange()
            self.assertTrue(self.server.received == data)
            self.assertTrue(self.client.received == data)

    def test_write_at_once(self) -> None:
        """A write can leave without a turn of the reactor."""
        self.shake_hands()
        self.tls.write_out(b"now")
        self.assertNotIn(self.line, self.line.clock.writers)
        self.server.feed(self.line.memory.sent)
        self.assertEqual(self.server.received, b"now")

    def test_write_out(self) -> None:
        """It says what it has become, and can wait for a turn."""
        self.shake_hands()
        taken = self.tls.write_out(b"x" * LARGE)
        self.assertGreater(taken, LARGE)
        self.assertEqual(len(self.line.memory.sent), taken)
        self.exchange()
        self.tls.writeSequence([b"one", b"write"])
        self.tls.write(b"in one turn")
        self.assertEqual(self.line.memory.sent, b"")
        self.exchange()
        taken = self.tls.write_out(b"later", at_once=False)
        self.assertEqual(self.line.memory.sent, b"")
        self.assertEqual(len(self.line.sent()), taken)

    def test_early_writes(self) -> None:
        """What is written before the handshake is done follows it, in order."""
        self.begin()
        for word in (b"one ", b"two ", b"three"):
            self.tls.write(word)
        self.tls.writeSequence([b" ", b"four"])
        self.assertEqual(self.tls.kept_bytes, 18)
        self.assertEqual(self.tls.write_out(b""), 0)
        self.exchange()
        self.assertEqual(self.server.received, b"one two three four")
        self.assertEqual(self.tls.kept_bytes, 0)

    def test_last_words(self) -> None:
        """What was written before the connection is given up in order arrives."""
        self.begin()
        self.tls.write(b"last words")
        self.tls.loseConnection()
        self.tls.write(b"dropped")
        self.exchange()
        self.assertEqual(self.server.received, b"last words")
        self.assertTrue(self.server.is_closed)

    def test_one_delivery(self) -> None:
        """All that is in a read is delivered at once, of however many records."""
        self.shake_hands()
        for _ in range(50):
            self.server.write(b"x" * 1000)
        self.give(self.server.out())
        self.assertEqual([len(read) for read in self.client.reads], [50_000])

    def test_cut_at_each_byte(self) -> None:
        """A record may come in any two parts, and by single bytes."""
        self.shake_hands()
        self.server.write(b"first")
        self.server.write(b"second")
        records = self.server.out()
        self.give(records)
        for cut in range(len(records) + 1):
            self.client.reads.clear()
            self.server.write(b"first")
            self.server.write(b"second")
            records = self.server.out()
            self.give(records[:cut])
            self.give(records[cut:])
            self.assertEqual(self.client.received, b"firstsecond", cut)
        self.client.reads.clear()
        self.server.write(b"slow")
        for byte in self.server.out():
            self.give(bytes([byte]))
        self.assertEqual(self.client.reads, [b"slow"])

    def test_handshake_by_bytes(self) -> None:
        """So may the handshake, with what follows it."""
        self.begin()
        self.tls.write(b"hello")
        said = self.line.sent()
        self.server.feed(said)
        for _ in range(10):
            for byte in self.server.out():
                self.give(bytes([byte]))
            self.server.feed(self.line.sent())
        self.assertEqual(self.server.received, b"hello")
        self.server.write(b"answer")
        self.give(self.server.out())
        self.assertEqual(self.client.reads, [b"answer"])

    def test_behind_the_handshake(self) -> None:
        """What comes in one read with the handshake's end is delivered."""
        self.begin()
        self.server.feed(self.line.sent())
        self.give(self.server.out())
        self.server.feed(self.line.sent())
        # Tickets of TLS 1.3, or the end of the handshake before it.
        end = self.server.out()
        self.server.write(b"eager")
        self.give(end + self.server.out())
        self.assertEqual(self.client.reads, [b"eager"])

    def test_nothing_read(self) -> None:
        """A read of nothing is nothing."""
        self.shake_hands()
        self.tls.dataReceived(b"")
        self.server.write(b"x")
        self.give(self.server.out())
        self.assertEqual((self.client.reads, self.client.lost), ([b"x"], []))

    def test_no_idle_questions(self) -> None:
        """OpenSSL is asked once for each record, and not whether there is more."""
        self.begin()
        self.exchange()
        asked: list[Any] = []
        # In a session that was opened, its calls are those of pyOpenSSL.
        connection = self.tls._calls = self.tls.getHandle()
        for name in ("recv", "bio_read", "send"):
            self.patch(connection, name, counted(getattr(connection, name), asked))
        for _ in range(3):
            self.server.write(b"x" * 10)
        records = self.server.out()
        self.give(records)
        self.give(b"")
        self.server.write(b"y" * 10)
        for byte in self.server.out():
            self.give(bytes([byte]))
        self.tls.write(b"z")
        names = [ask.__name__ for ask in asked]
        self.assertEqual(names, ["recv"] * 4 + ["send", "bio_read"])

    # -- The end ------------------------------------------------------------------

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

    def test_garbage(self) -> None:
        """What is no record ends the connection at once, with an alert."""
        for garbage in (b"HTTP/1.1 400 Bad Request\r\n", b"\x17\x03\x03\xff\xff"):
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
        self.exchange()
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

    def assert_ended(self, *kinds: type[BaseException]) -> None:
        """The protocol was told once, and nothing is left."""
        self.line.sent()
        self.assertEqual(len(self.client.lost), 1, self.client.lost)
        self.assertIsInstance(self.client.lost[0], kinds)
        self.assertIsNone(self.tls.getHandle())
        self.assertIsNone(self.tls.getPeerCertificate())
        self.assertIsNone(self.tls.negotiatedProtocol)
        self.assertIsNone(self.tls.wrappedProtocol)
        self.assertEqual(self.tls.kept_bytes, 0)
        clock = self.line.clock
        self.assertEqual((clock.readers, clock.writers), (set(), set()))
        self.assertEqual(clock.getDelayedCalls(), [])
        self.tls.write(b"late")
        self.tls.dataReceived(b"late")
        self.tls.loseConnection()
        self.assertEqual(self.tls.write_out(b"late"), 0)

    # -- What calls back -----------------------------------------------------------

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

    # -- Backpressure -------------------------------------------------------------

    def test_full_socket(self) -> None:
        """What the socket does not take follows once it does, in order."""
        self.shake_hands()
        self.line.memory.room = 10
        wanted = b"".join(b"%d," % number * 999 for number in range(100))
        for number in range(100):
            self.tls.write(b"%d," % number * 999)
        while self.server.received != wanted:
            self.line.memory.room = 5000
            before = len(self.server.received)
            said = self.line.sent()
            self.assertNotEqual(said, b"")
            self.server.feed(said)
            self.assertGreaterEqual(len(self.server.received), before)

    def test_push_producer(self) -> None:
        """A producer is paused while the socket is full, and before the handshake."""
        producer = Producer()
        self.begin()
        self.tls.registerProducer(producer, True)
        self.assertRaises(RuntimeError, self.tls.registerProducer, Producer(), True)
        self.tls.write(b"early")
        self.assertEqual(producer.told, ["pause"])
        self.exchange()
        self.assertEqual(producer.told, ["pause", "resume"])
        self.line.memory.room = 0
        self.tls.write(b"x" * LARGE)
        self.assertEqual(producer.told, ["pause", "resume", "pause"])
        self.line.memory.room = 10**9
        self.exchange()
        self.assertEqual(producer.told, ["pause", "resume"] * 2)
        self.tls.loseConnection()
        self.tls.write(b"more")
        self.exchange()
        self.assertFalse(self.server.is_closed)
        self.tls.unregisterProducer()
        self.tls.unregisterProducer()
        self.exchange()
        self.assertTrue(self.server.is_closed)
        self.assertTrue(self.server.received.endswith(b"xmore"))

    def test_pull_producer(self) -> None:
        """One that has to be asked is asked whenever all has left, and not before."""
        producer = Producer()
        producer.pieces = [b"a" * 1000, b"b" * LARGE, b"c"]
        producer.consumer = self.tls
        self.begin()
        self.tls.registerProducer(producer, False)
        self.assertEqual(producer.told, [])
        self.exchange()
        self.assertEqual(len(self.server.received), 1001 + LARGE)
        self.assertIsNone(self.line.producer)

    def test_producer_and_the_end(self) -> None:
        """A producer is stopped with the connection, and at once after it."""
        producer = Producer()
        self.shake_hands()
        self.tls.registerProducer(producer, True)
        self.line.lose()
        self.assertEqual(producer.told, ["stop"])
        late = Producer()
        self.tls.registerProducer(late, True)
        self.assertEqual(late.told, ["stop"])

    # -- What else is asked of it -------------------------------------------------

    def test_interfaces(self) -> None:
        """It is what Twisted's TLS is, to whoever asks."""
        self.shake_hands()
        self.assertTrue(ISSLTransport.providedBy(self.tls))
        self.assertTrue(INegotiated.providedBy(self.tls))
        self.assertIsInstance(self.tls.getHandle(), Connection)
        self.assertIs(self.tls.getHandle().get_app_data(), self.tls)
        self.assertIsNotNone(self.tls.getPeerCertificate())
        self.assertIsNone(self.tls.negotiatedProtocol)
        self.assertIs(self.tls.transport, self.line)
        self.tls.setTcpKeepAlive(True)

    def test_no_protocol(self) -> None:
        """A factory that makes no protocol makes no TLS."""
        factory = self.tls.factory
        factory.wrappedFactory.buildProtocol = lambda _address: None
        self.assertIsNone(factory.buildProtocol(None))


class OldTests(NewTests):
    """TLS 1.2."""

    is_old = True

    def test_another_handshake(self) -> None:
        """A server may ask for another handshake; what is written waits or goes on."""
        self.shake_hands()
        self.server.shake_hands_again()
        self.exchange()
        self.tls.write(b"after")
        self.server.write(b"all")
        self.exchange()
        if not self.client.lost:
            self.assertEqual(self.server.received, b"after")
            self.assertEqual(self.client.received, b"all")


class PublicCallsTests(NewTests):
    """TLS 1.3, by pyOpenSSL's own calls."""

    def setUp(self) -> None:
        """Know no faster ones."""
        self.patch(openssl_calls, "_is_known", False)
        super().setUp()


class KeysTests(TLSWireTestCase):
    """What a server may send at any time since TLS 1.3."""

    def test_tickets(self) -> None:
        """Tickets are no data, wherever they come."""
        self.shake_hands()
        self.server.ticket()
        self.exchange()
        self.assertEqual(self.client.reads, [])
        self.server.write(b"one")
        self.server.ticket()
        self.server.write(b"two")
        self.server.ticket()
        self.give(self.server.out())
        self.assertEqual(self.client.reads, [b"onetwo"])
        self.server.write(b"three")
        self.exchange()
        self.assertEqual(self.client.received, b"onetwothree")

    def test_new_keys(self) -> None:
        """A server may use new keys, and have the client do so."""
        for is_asked in (False, True):
            self.setUp()
            self.shake_hands()
            self.server.write(b"one")
            self.server.new_key(is_asked)
            self.server.write(b"two")
            self.give(self.server.out())
            self.assertEqual(self.client.reads, [b"onetwo"])
            # Our new key is told of before what it encrypts (RFC 8446 section 4.6.3).
            self.tls.write(b"three")
            self.exchange()
            self.assertEqual(self.server.received, b"three")
            for _ in range(5):
                self.server.new_key(is_asked)
                self.server.write(b"!")
                self.tls.write(b"?")
                self.exchange()
            self.assertEqual(self.client.received, b"onetwo!!!!!")
            self.assertEqual(self.server.received, b"three?????")


def counted(ask: Any, asked: list[Any]) -> Any:
    """The same function, noting that it was called."""

    def noting(*arguments: Any) -> Any:
        asked.append(ask)
        return ask(*arguments)

    return noting


class Producer:
    """Notes what it is told, and writes if it is asked.

    :ivar pieces: what it writes, and then ends.
    """

    def __init__(self) -> None:
        self.told: list[str] = []
        self.pieces: list[bytes] = []
        self.consumer: Any = None

    def pauseProducing(self) -> None:
        """Note it."""
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """Note it, or write."""
        self.told.append("resume")
        if self.pieces:
            self.consumer.write(self.pieces.pop(0))
        elif self.consumer is not None:
            self.consumer.unregisterProducer()

    def stopProducing(self) -> None:
        """Note it."""
        self.told.append("stop")
