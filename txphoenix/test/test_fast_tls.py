"""Tests of :mod:`txphoenix.transports.fast_tls`, in memory: what comes and goes."""

from __future__ import annotations

import random
from typing import Any, cast

from OpenSSL.SSL import Connection
from twisted.internet.interfaces import INegotiated, ISSLTransport

from txphoenix.transports import openssl_calls

from .tls_wire import Reluctant, TLSWireTestCase

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

    def test_kept(self) -> None:
        """What OpenSSL cannot encrypt for now is kept, and all that follows behind it.

        So it may be while the server has another handshake, before TLS 1.3.
        """
        self.shake_hands()
        calls = self.tls._calls = Reluctant(self.tls._calls)
        self.assertEqual(self.tls.write_out(b"one"), 0)
        calls.is_willing = True
        self.assertEqual(self.tls.write_out(b"two"), 0)
        self.assertEqual((self.tls.kept_bytes, self.tls.can_write), (6, False))
        self.tls.loseConnection()
        self.server.write(b"go on")
        self.exchange()
        self.assertEqual(self.client.reads, [b"go on"])
        self.assertEqual(self.server.received, b"onetwo")
        self.assertTrue(self.server.is_closed)

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
        cast(Any, self.line.producer).resumeProducing()
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
        self.give(self.server.out())
        # It is answered, with a handshake or a refusal.
        self.assertNotEqual(self.line.memory.sent, b"")
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
        self.patch(openssl_calls, "_works", lambda: False)
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

    def test_anything_anywhere(self) -> None:
        """Data, tickets and new keys in any order, cut anywhere, in both directions."""
        chance = random.Random(8446)
        for _ in range(20):
            self.setUp()
            self.shake_hands()
            wanted = [b"", b""]
            waiting = b""
            for number in range(150):
                data = b"%d" % number * chance.choice((1, 30, 5000, 20_000))
                step = chance.randrange(7)
                if step < 3:
                    self.server.write(data)
                    wanted[0] += data
                elif step == 3:
                    self.server.ticket()
                elif step == 4:
                    self.server.new_key(chance.random() < 0.5)
                else:
                    self.tls.write_out(data, chance.random() < 0.5)
                    wanted[1] += data
                waiting += self.server.out()
                cut = chance.choice((0, 3, 700, 40_000, len(waiting)))
                self.give(waiting[:cut])
                waiting = waiting[cut:]
                self.server.feed(self.line.sent())
            self.give(waiting)
            self.exchange()
            self.assertTrue([self.client.received, self.server.received] == wanted)
            self.assertEqual(self.client.lost, [])


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
