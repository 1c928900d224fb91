"""Tests of :mod:`txphoenix.transports.tls_files`: what is in the files, and what not.

What a server makes of it is in :mod:`.test_client_certificates`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast
from unittest import skipUnless

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SocketClient, client_tls
from txphoenix.errors import ConfigurationError
from txphoenix.test.client_certificate_case import PASSWORD, CertificateFiles
from txphoenix.testing.tls import ClientAuthority, self_signed
from txphoenix.transports.tls_files import TLSFiles

HOST = "127.0.0.1"


class FilesCase(SynchronousTestCase):
    """Has a device's files."""

    def setUp(self) -> None:
        """Make a certificate and its key, which is encrypted."""
        self.files = CertificateFiles(self)
        self.cert, self.key = self.files.sign("dev", password=PASSWORD.encode())

    def refused(self, **given: Any) -> str:
        """What the error says: one line, and no secret."""
        error = self.assertRaises(ConfigurationError, client_tls, HOST, **given)
        text = str(error)
        self.assertNotIn(PASSWORD, text + repr(error))
        self.assertNotIn("PRIVATE KEY-----", text)
        self.assertEqual(len(text.splitlines()), 1)
        return text

    def text(self, path: str) -> bytes:
        """What is in a file."""
        return Path(path).read_bytes()


class TakenTests(FilesCase):
    """What is taken."""

    def take(self, **given: Any) -> SSL.Connection:
        """Make a connection by these files."""
        tls = client_tls(HOST, ca_file=self.files.ca, **given)
        self.assertTrue(IOpenSSLClientConnectionCreator.providedBy(tls))
        self.assertNotIn(PASSWORD, repr(tls))
        client = SocketClient(f"wss://{HOST}/socket", tls=tls)
        self.assertNotIn(PASSWORD, repr(client) + repr(client.options))
        return tls.clientConnectionForTLS(cast(Any, self))

    def assert_shown(self, connection: SSL.Connection, path: str) -> None:
        """The connection has the certificate of a file to show."""
        certificate = connection.get_certificate()
        assert certificate is not None
        pem = crypto.dump_certificate(crypto.FILETYPE_PEM, certificate)
        self.assertTrue(self.text(path).startswith(pem))

    def test_passwords(self) -> None:
        """The password is text, bytes or the first line of a file."""
        own = {"cert_file": self.cert, "key_file": self.key}
        ways: list[dict[str, Any]] = [
            {"key_password": PASSWORD},
            {"key_password": PASSWORD.encode()},
            *(
                {"key_password_file": self.files.write(f"p{number}", text.encode())}
                for number, text in enumerate(
                    (PASSWORD, f"{PASSWORD}\n", f"{PASSWORD}\r\n", f"{PASSWORD}\nmore")
                )
            ),
        ]
        for more in ways:
            self.assert_shown(self.take(**own, **more), self.cert)

    def test_one_file(self) -> None:
        """Certificate and key may be in one file, in either order."""
        cert, key = self.text(self.cert), self.text(self.key)
        for name, content in (("ck", cert + key), ("kc", b"a note\n" + key + cert)):
            path = self.files.write(name, content)
            self.take(cert_file=path, key_password=PASSWORD)
            self.take(cert_file=path, key_file=path, key_password=PASSWORD)

    def test_password_of_a_plain_key(self) -> None:
        """A password does no harm to a key that is not encrypted."""
        cert, key = self.files.sign("plain")
        self.assert_shown(
            self.take(cert_file=cert, key_file=key, key_password=PASSWORD), cert
        )

    def test_authorities_alone(self) -> None:
        """Without a certificate, it is only said whom to trust."""
        self.assertIsNone(self.take().get_certificate())

    def test_paths(self) -> None:
        """A path may be a path, and a name may be any that DNS can hold."""
        for host in ("my_service", "example.org", "::1"):
            client_tls(
                host,
                cert_file=Path(self.cert),
                key_file=self.key,
                key_password="t0p s3cret",
            )

    def test_kinds_of_keys(self) -> None:
        """Keys of each usual kind and format are read."""
        old = serialization.PrivateFormat.TraditionalOpenSSL
        new = serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        secret = serialization.BestAvailableEncryption(PASSWORD.encode())
        rsa_key = rsa.generate_private_key(65537, 2048)
        ec_key = ec.generate_private_key(ec.SECP384R1())
        for key, form, encryption in (
            (rsa_key, old, plain),
            (rsa_key, old, secret),
            (rsa_key, new, secret),
            (ec_key, old, plain),
            (ec_key, old, secret),
            (ed25519.Ed25519PrivateKey.generate(), new, plain),
        ):
            pem = key.private_bytes(serialization.Encoding.PEM, form, encryption)
            # What openssl ecparam -genkey writes before the key.
            before = (
                b"-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n"
            )
            path = self.files.write("other.pem", before + pem)
            said = self.refused(
                cert_file=self.cert, key_file=path, key_password=PASSWORD
            )
            # It was read, for its public key is known to be another.
            self.assertIn("is not that of the first certificate", said)

    def test_same_context(self) -> None:
        """What was made is used as long as the files hold the same, and no longer."""
        cert, key = Path(self.cert), Path(self.key)
        password = Path(self.files.password())
        files = TLSFiles(Path(self.files.ca), cert, key, password)
        first = files.context()
        self.assertIs(files.context(), first)
        os.utime(cert)
        self.assertIs(files.context(), first)
        self.files.sign("renewed", password=PASSWORD.encode())
        second = files.context()
        self.assertIsNot(second, first)
        self.assertIs(files.context(), second)
        # The same key, encrypted with another password: read again as well.
        self.files.sign("renewed", password=b"another")
        self.assertRaises(ConfigurationError, files.context)
        self.files.password("another\n")
        self.assertIsNot(files.context(), second)
        Path(self.files.ca).write_bytes(self_signed().trust_root.dumpPEM())
        third = files.context()
        self.assertIsNot(third, second)

    def test_key_is_not_kept(self) -> None:
        """What is kept has neither the key's text nor the password of a file."""
        files = TLSFiles(
            None, Path(self.cert), Path(self.key), Path(self.files.password())
        )
        files.context()
        kept = repr(vars(files))
        self.assertNotIn(PASSWORD, kept)
        self.assertNotIn("PRIVATE", kept)


class RefusedTests(FilesCase):
    """What is refused, and what is said."""

    def test_missing(self) -> None:
        """A file that cannot be read is named, with the reason and its option."""
        good = {"cert_file": self.cert, "key_file": self.key}
        for option in ("ca_file", "cert_file", "key_file", "key_password_file"):
            said = self.refused(**{**good, option: "/nowhere/x.pem"})
            self.assertEqual(
                said,
                f"{option}: cannot read '/nowhere/x.pem': No such file or directory",
            )
        directory = str(self.files.directory)
        self.assertIn("Is a directory", self.refused(cert_file=directory))
        self.assertIn("no file can have this name", self.refused(cert_file="a\0b"))

    @skipUnless(hasattr(os, "mkfifo"), "There are no such files on this system.")
    def test_no_regular_file(self) -> None:
        """A pipe is not waited for, nor is a device read that has no end."""
        pipe = str(self.files.directory / "pipe")
        os.mkfifo(pipe)
        good = {"cert_file": self.cert, "key_file": self.key}
        for option in ("ca_file", "cert_file", "key_file", "key_password_file"):
            # The device first, so that a failure is one, and does not wait.
            for path in (os.devnull, pipe):
                said = self.refused(**{**good, option: path})
                self.assertEqual(
                    said, f"{option}: cannot read {path!r}: it is no regular file"
                )

    def test_cut_off(self) -> None:
        """A file whose last certificate is cut off is refused, and not used in part."""
        chain = ClientAuthority(self.files.authority).sign("y")
        path = self.files.write("chain.pem", chain.certificate[:-30])
        key = self.files.write("chain-key.pem", chain.key)
        for given in (
            {"cert_file": path, "key_file": key},
            {"ca_file": path},
        ):
            self.assertIn("or they cannot be read", self.refused(**given))

    def test_no_pem(self) -> None:
        """What is not PEM is said to be none."""
        key = {"key_file": self.key, "key_password": PASSWORD}
        der = crypto.dump_certificate(
            crypto.FILETYPE_ASN1,
            crypto.load_certificate(crypto.FILETYPE_PEM, self.text(self.cert)),
        )
        broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        for content in (b"", b"\xff\xfe", der, broken, self.text(self.key)):
            path = self.files.write("odd.pem", content)
            for said in (
                self.refused(cert_file=path, **key),
                self.refused(ca_file=path),
            ):
                self.assertIn("there are no certificates in PEM in ", said)
                self.assertIn(path, said)
        for content in (b"", der, self.text(self.cert)):
            path = self.files.write("odd.pem", content)
            said = self.refused(cert_file=self.cert, key_file=path)
            self.assertEqual(
                said, f"key_file: there is no private key in PEM in {path!r}"
            )

    def test_broken_key(self) -> None:
        """A key that cannot be read is said to be so."""
        path = self.files.write(
            "odd.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
        )
        said = self.refused(cert_file=self.cert, key_file=path)
        self.assertEqual(said, f"key_file: the key in {path!r} cannot be read")

    def test_no_key(self) -> None:
        """A certificate without a key is told what is missing."""
        said = self.refused(cert_file=self.cert)
        self.assertIn("there is no private key in PEM", said)
        self.assertIn("give it by key_file", said)

    def test_no_certificate(self) -> None:
        """A key or its password without a certificate is a mistake."""
        for given in (
            {"key_file": self.key},
            {"key_password": PASSWORD},
            {"key_password_file": self.files.password()},
        ):
            self.assertIn("needs cert_file as well", self.refused(**given))

    def test_other_key(self) -> None:
        """A key that is not the certificate's is refused."""
        other = self.files.write("other.pem", self.files.authority.sign("x").key)
        said = self.refused(cert_file=self.cert, key_file=other)
        self.assertEqual(
            said,
            f"key_file: the key in {other!r} is not that of the first certificate in "
            f"{self.cert!r}",
        )
        # The order of the certificates counts: the client's own is the first.
        above = ClientAuthority(self.files.authority).sign("y")
        parts = above.certificate.split(b"-----END CERTIFICATE-----\n")
        both = b"-----END CERTIFICATE-----\n".join([parts[1], parts[0], b""])
        path = self.files.write("both.pem", both + above.key)
        said = self.refused(cert_file=path)
        self.assertIn("is not that of the first certificate", said)

    def test_no_password(self) -> None:
        """An encrypted key without its password is an error, and no question."""
        said = self.refused(cert_file=self.cert, key_file=self.key)
        self.assertEqual(
            said,
            f"key_file: the key in {self.key!r} is encrypted; give its password by "
            "key_password_file",
        )

    def test_wrong_password(self) -> None:
        """So is a wrong one, of any length."""
        for wrong in ("wrong", "x" * 5000, " t0p s3cret", b"\xff"):
            said = self.refused(
                cert_file=self.cert, key_file=self.key, key_password=wrong
            )
            self.assertIn("the password is wrong", said)
            self.assertNotIn("xxx", said)

    def test_empty_password(self) -> None:
        """There must be a password in the file, and in the text."""
        own = {"cert_file": self.cert, "key_file": self.key}
        for content in ("", "\n", "\r\n", "\nsecond line"):
            path = self.files.password(content)
            said = self.refused(**own, key_password_file=path)
            self.assertEqual(
                said,
                "key_password_file: there is no password in the first line of "
                f"{path!r}",
            )
        for nothing in ("", b""):
            self.assertIn("not empty", self.refused(**own, key_password=nothing))

    def test_types(self) -> None:
        """Values of other types are refused, a password without being shown."""
        for option in ("ca_file", "cert_file", "key_file", "key_password_file"):
            for wrong in (5, "", b"x"):
                said = self.refused(**{option: wrong})
                self.assertIn(f"{option} must be the path of a file", said)
        said = self.refused(cert_file=self.cert, key_password=[PASSWORD])
        self.assertIn("not a value of type list", said)
        said = self.refused(cert_file=self.cert, key_password=f"{PASSWORD}\udcff")
        self.assertIn("key_password has what UTF-8 cannot hold", said)

    def test_both(self) -> None:
        """One thing is not given in two ways."""
        for given in (
            {"trust_root": self.files.credentials.trust_root, "ca_file": "x"},
            {"client_certificate": object(), "cert_file": "x"},
            {"key_password": PASSWORD, "key_password_file": "x"},
        ):
            said = self.refused(**given)
            self.assertEqual(said, f"{' and '.join(given)} cannot both be given")

    def test_weak_key(self) -> None:
        """What OpenSSL does not take is an error of the files."""
        key = rsa.generate_private_key(65537, 1024)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        certificate = crypto.X509()
        certificate.set_pubkey(crypto.PKey.from_cryptography_key(key))
        certificate.gmtime_adj_notBefore(0)
        certificate.gmtime_adj_notAfter(60)
        certificate.sign(crypto.PKey.from_cryptography_key(key), "sha256")
        text = crypto.dump_certificate(crypto.FILETYPE_PEM, certificate)
        path = self.files.write("weak.pem", text + pem)
        try:
            client_tls(HOST, cert_file=path)
        except ConfigurationError as error:
            self.assertIn("cert_file: OpenSSL does not take what is in", str(error))
            self.assertIn("key too small", str(error))
        else:
            # Some builds of OpenSSL take it.
            self.skipTest("this OpenSSL takes keys of 1024 bits")
