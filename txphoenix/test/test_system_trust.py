"""Tests of :mod:`txphoenix.transports.system_trust`."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports.client_tls import system_tls
from txphoenix.transports.system_trust import SystemTrust

from .certificates import Issuer


class SystemTrustTests(SynchronousTestCase):
    """When the authorities are read, and when they are read again."""

    def setUp(self) -> None:
        """Have the machine trust one authority, in a file."""
        self.now = 0.0
        self.trust = SystemTrust(lambda: self.now)
        self.path = self.write(self.mktemp())
        self.variables = mock.patch.dict(os.environ, {"SSL_CERT_FILE": self.path})
        self.variables.start()
        self.addCleanup(self.variables.stop)

    def write(self, path: str) -> str:
        """Write a new authority into a file."""
        with open(path, "wb") as file:
            file.write(Issuer().pem)
        return path

    def assert_read_again(self, before: Any) -> Any:
        """The context is another one than before."""
        context = self.trust.context()
        self.assertIsNot(context, before)
        return context

    def test_once(self) -> None:
        """As long as nothing has changed, all connections share one context."""
        context = self.trust.context()
        for _ in range(10):
            self.now += 3600
            self.assertIs(self.trust.context(), context)

    def test_shared(self) -> None:
        """Whatever their host is."""
        made = [
            system_tls(host).clientConnectionForTLS(mock.Mock())
            for host in ("a.example", "my_service", "127.0.0.1", "::1")
        ]
        self.assertEqual(len({it.get_context() for it in made}), 1)
        names = [it.get_servername() for it in made]
        self.assertEqual(names, [b"a.example", b"my_service", None, None])

    def test_variables(self) -> None:
        """Another file by OpenSSL's variables is read at once, and so is none."""
        context = self.trust.context()
        os.environ["SSL_CERT_FILE"] = self.write(self.mktemp())
        context = self.assert_read_again(context)
        os.environ["SSL_CERT_DIR"] = self.mktemp()
        context = self.assert_read_again(context)
        del os.environ["SSL_CERT_FILE"], os.environ["SSL_CERT_DIR"]
        self.assert_read_again(context)

    def test_file_changed(self) -> None:
        """A file that is another one now, or gone, is looked at within a second."""
        context = self.trust.context()
        before = os.stat(self.path)
        self.write(self.path)
        os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        self.now += 0.5
        self.assertIs(self.trust.context(), context)
        self.now += 0.5
        context = self.assert_read_again(context)
        os.remove(self.path)
        self.now += 1
        self.assert_read_again(context)

    def test_directory_changed(self) -> None:
        """So is a directory with another file in it."""
        directory = self.mktemp()
        os.makedirs(directory)
        os.environ["SSL_CERT_DIR"] = os.pathsep.join([self.mktemp(), directory])
        context = self.trust.context()
        before = os.stat(directory)
        self.write(os.path.join(directory, "new.0"))
        os.utime(directory, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        self.now += 1
        self.assert_read_again(context)

    def test_daily(self) -> None:
        """Once a day they are read again, whatever it looks like."""
        context = self.trust.context()
        self.now = 24 * 3600.0
        context = self.assert_read_again(context)
        self.now += 24 * 3600 - 1
        self.assertIs(self.trust.context(), context)

    def test_usual_places(self) -> None:
        """Without the variables it is OpenSSL's places that are looked at."""
        del os.environ["SSL_CERT_FILE"]
        with mock.patch.dict(os.environ):
            os.environ.pop("SSL_CERT_DIR", None)
            looked_at: list[str] = []
            stat = os.stat

            def look(path: str) -> os.stat_result:
                looked_at.append(path)
                return stat(path)

            self.patch(os, "stat", look)
            context = self.trust.context()
            self.assertIn("/etc/ssl/certs", looked_at)
            self.now += 5
            self.assertIs(self.trust.context(), context)
