"""Tests of :mod:`txphoenix.transports.tls_buffers`."""

from __future__ import annotations

import socket
import ssl
from typing import Any
from unittest import mock

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports import tls_buffers
from txphoenix.transports.tls_buffers import renew_buffers

from .certificates import Issuer
from .tls_front import server_context


class RenewTests(SynchronousTestCase):
    """:func:`renew_buffers`, between two sides in memory."""

    def setUp(self) -> None:
        """Have a client and a server."""
        root = Issuer()
        self.read, self.written = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = server_context(root.sign(common_name="a.example")).wrap_bio(
            self.read, self.written, server_side=True
        )
        self.client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        self.client.set_connect_state()

    def step(self, call: Any, *arguments: Any) -> Any:
        """Do something that may have to wait for the other side."""
        try:
            return call(*arguments)
        except (SSL.WantReadError, ssl.SSLWantReadError):
            return None

    def exchange(self) -> None:
        """Pass on what both have to say, as far as it is known, with new buffers."""
        renew_buffers(self.client)
        self.read.write(self.step(self.client.bio_read, 1 << 16) or b"")
        self.step(self.server.do_handshake)
        said = self.written.read()
        for start in range(0, len(said), 100):
            self.client.bio_write(said[start : start + 100])
            renew_buffers(self.client)

    def test_whenever(self) -> None:
        """They may be renewed whenever it is, with anything in them."""
        for _ in range(3):
            self.step(self.client.do_handshake)
            self.exchange()
        text = bytes(range(256)) * 100
        for _ in range(3):
            self.client.send(text[:16000])
            self.exchange()
            self.assertEqual(self.server.read(1 << 16), text[:16000])
            self.server.write(text)
            self.exchange()
            received = b""
            while (piece := self.step(self.client.recv, 1 << 16)) is not None:
                received += piece
                renew_buffers(self.client)
            self.assertEqual(received, text)

    def test_other_ones(self) -> None:
        """They are other ones then, unless they are held in a way of another time."""
        before = self.client._into_ssl, self.client._from_ssl
        with mock.patch.object(tls_buffers, "_CAN_RENEW", new=False):
            renew_buffers(self.client)
            self.assertEqual((self.client._into_ssl, self.client._from_ssl), before)
        renew_buffers(self.client)
        self.assertNotEqual(self.client._into_ssl, before[0])
        self.assertNotEqual(self.client._from_ssl, before[1])

    def test_socket(self) -> None:
        """A connection with a socket has none."""
        with socket.socket() as own:
            connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), own)
            renew_buffers(connection)
            self.assertIsNone(connection._into_ssl)

    def test_no_memory(self) -> None:
        """Without memory for new ones the old ones stay."""
        before = self.client._into_ssl
        library = mock.Mock(wraps=tls_buffers._LIB)
        library.BIO_new.side_effect = [
            tls_buffers._LIB.BIO_new(tls_buffers._LIB.BIO_s_mem()),
            tls_buffers._FFI.NULL,
        ]
        with mock.patch.object(tls_buffers, "_LIB", library):
            renew_buffers(self.client)
        self.assertEqual(self.client._into_ssl, before)
        self.assertEqual(library.BIO_free.call_count, 1)
