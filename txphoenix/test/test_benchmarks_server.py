"""The parts of the benchmarks' server: what it makes, sends, and reads of clients."""

from __future__ import annotations

import json
import zlib
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Message
from txphoenix.protocol.serializer import V2Serializer

from .benchmark_runs import NOT_THERE

if NOT_THERE is None:
    from benchmarks.deflate import Deflate
    from benchmarks.floods import chat_texts, spoil
    from benchmarks.frames import BINARY, frame, unmasked
    from benchmarks.incoming import LargeFrame
    from benchmarks.large_messages import body, large_frames, number_of
    from benchmarks.outgoing import PIECE, Outgoing, cut
    from benchmarks.server import CERTIFICATE, KEY
    from benchmarks.tls import certificate

MASK = b"\x01\x02\x03\x04"


class Transport:
    """Keeps what was written, one list each time."""

    def __init__(self) -> None:
        self.written: list[list[bytes]] = []

    def set_write_buffer_limits(self, high: int) -> None:
        """It has no limit."""

    def write(self, data: bytes) -> None:
        """Write one thing."""
        self.written.append([data])

    def writelines(self, lines: list[bytes]) -> None:
        """Write several."""
        self.written.append(list(lines))


class OutgoingTests(SynchronousTestCase):
    """What waits to be written."""

    skip = NOT_THERE

    def outgoing(self) -> tuple[Transport, Outgoing]:
        """It, and what it writes to."""
        transport = Transport()
        return transport, Outgoing(cast(Any, transport))

    def test_pieces(self) -> None:
        """What was cut is what was given, and each piece goes out by itself."""
        transport, outgoing = self.outgoing()
        data = body(2 * PIECE + 5, is_binary=True)
        outgoing.write_all(cut([data[:7], data[7:]]))
        self.assertEqual([len(lines) for lines in transport.written], [1, 1, 1])
        self.assertEqual(b"".join(piece for (piece,) in transport.written), data)

    def test_paused(self) -> None:
        """While the transport has enough nothing is written; then all is, in order."""
        transport, outgoing = self.outgoing()
        outgoing.pause()
        outgoing.write_all([b"1", b"2"])
        outgoing.write(b"3")
        self.assertEqual(transport.written, [])
        outgoing.resume()
        self.assertEqual(transport.written, [[b"1"], [b"2"], [b"3"]])

    def test_each(self) -> None:
        """Frames can be written each by itself."""
        transport, outgoing = self.outgoing()
        outgoing.write_each([b"1", b"2"])
        self.assertEqual(transport.written, [[b"1", b"2"]])


class FloodTests(SynchronousTestCase):
    """What floods consist of."""

    skip = NOT_THERE

    def test_chat(self) -> None:
        """The messages are JSON, have their numbers, differ, and are as long."""
        for size in (100, 4096):
            texts = chat_texts(50, size, {b'"bench:0"': b'"7"'})
            messages = [json.loads(text) for text in texts]
            self.assertEqual([each[0] for each in messages], ["7"] * 50)
            self.assertEqual([each[4]["n"] for each in messages], list(range(50)))
            self.assertEqual(len({each[4]["body"] for each in messages}), 50)
            for text in texts:
                self.assertTrue(size - 2 <= len(text) <= size, len(text))

    def test_faults(self) -> None:
        """Each fault is to the message in the middle; a single one is left alone."""
        for fault, expected in (
            ("lose", [b"0", b"2"]),
            ("repeat", [b"0", b"1", b"1", b"2"]),
            ("swap", [b"0", b"2", b"1"]),
            (None, [b"0", b"1", b"2"]),
        ):
            messages = [b"0", b"1", b"2"]
            spoil(messages, fault)
            self.assertEqual(messages, expected)
            messages = [b"0"]
            spoil(messages, fault)
            self.assertEqual(messages, [b"0"])

    def test_deflate(self) -> None:
        """One context lasts, so that the second message is smaller; both come back."""
        deflate = Deflate()
        text = b'{"body":"' + body(60, is_binary=False) + b'"}'
        first, second = deflate.frame(text), deflate.frame(text)
        self.assertEqual(first[0], 0xC1)
        self.assertTrue(len(second) < len(first) // 2)
        # Its own frames are as good as a client's.
        self.assertEqual(deflate.text(first[2:]), text)
        self.assertEqual(deflate.text(second[2:]), text)


class LargeTests(SynchronousTestCase):
    """Large messages."""

    skip = NOT_THERE

    def test_decoded(self) -> None:
        """Our serializer reads what the server sends: number, checksum, and body."""
        decode = V2Serializer().decode
        texts = large_frames(2, 70_000, False, b'"5"')
        message = decode(texts[1][10:], False)
        self.assertEqual((message.join_ref, message.topic), ("5", "bench:0"))
        self.assertEqual(message.payload["n"], 1)
        crc = zlib.crc32(message.payload["body"].encode())
        self.assertEqual(message.payload["crc"], crc)
        data = large_frames(2, 70_000, True, b'"5"')[1]
        self.assertEqual(data[0], BINARY)
        message = decode(data[10:], True)
        self.assertEqual((message.join_ref, message.event), ("5", "msg"))
        self.assertEqual(int.from_bytes(message.payload[:4], "big"), 1)
        crc = zlib.crc32(message.payload[8:])
        self.assertEqual(int.from_bytes(message.payload[4:8], "big"), crc)

    def test_numbers(self) -> None:
        """A client's message has its number; with a wrong body it has none."""
        data = body(100, is_binary=False)
        for payload, is_binary in (
            (b'{"n":3,"crc":%d,"body":"%b"}' % (zlib.crc32(data), data), False),
            (b"\0\0\0\3%b%b" % (zlib.crc32(data).to_bytes(4, "big"), data), True),
        ):
            self.assertEqual(number_of(payload, is_binary, True), 3)
            spoiled = payload.replace(data[50:60], data[50:60][::-1])
            self.assertIsNone(number_of(spoiled, is_binary, True))
            self.assertEqual(number_of(spoiled, is_binary, False), 3)

    def test_incoming(self) -> None:
        """Of a large frame the start is read, or all of it if it is to be checked."""
        for event in ("store", "check"):
            message = Message("1", "2", "bench:0", event, {"body": "x" * 2000})
            data, _ = V2Serializer().encode(message)
            large = LargeFrame(0x81, MASK, len(data))
            masked = unmasked(data, MASK) + b"next"
            rest = b""
            for start in range(0, len(masked), 300):
                self.assertFalse(large.is_whole)
                rest = large.take(masked[start : start + 300])
            self.assertTrue(large.is_whole)
            self.assertEqual(rest, b"next")
            whole = data if event == "check" else data[:512]
            self.assertEqual(large.content(), whole)

    def test_frames(self) -> None:
        """A frame says its length in as many bytes as it takes (RFC 6455, 5.2)."""
        for size, head in (
            (125, b"\x81\x7d"),
            (126, b"\x81\x7e\x00\x7e"),
            (65_535, b"\x81\x7e\xff\xff"),
            (65_536, b"\x81\x7f\0\0\0\0\0\1\0\0"),
        ):
            self.assertEqual(frame(b"x" * size), head + b"x" * size)


class CertificateTests(SynchronousTestCase):
    """The certificate of a run."""

    skip = NOT_THERE

    def test_certificate(self) -> None:
        """It is RSA of 2048 bits, for this host, and gone with the run."""
        with certificate() as directory:
            pem = (directory / CERTIFICATE).read_bytes()
            self.assertEqual((directory / KEY).stat().st_mode & 0o77, 0)
        self.assertFalse(directory.exists())
        made = x509.load_pem_x509_certificate(pem)
        key = made.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        self.assertEqual(key.key_size, 2048)
        extension = made.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["localhost"])
        addresses = names.get_values_for_type(x509.IPAddress)
        self.assertEqual([str(address) for address in addresses], ["127.0.0.1"])
