"""What the page about TLS certificates shows works as it is printed."""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.utils import getProcessOutputAndValue

from txphoenix import SocketClient, client_tls
from txphoenix.errors import ConfigurationError
from txphoenix.testing import ChatRoom, PhoenixServer
from txphoenix.testing.connect import Socket
from txphoenix.testing.tls import Credentials

from .certificates import Issuer
from .cli_program import CommandTestCase
from .client_certificate_case import PASSWORD, CertificateFiles, common_name
from .network import TOPIC
from .page_case import PageCase
from .test_howtos import DOCS, NOT_THERE, blocks, captioned

PAGE = "howto-tls"
URL = "wss://phoenix.internal/socket"
LOCAL = x509.IPAddress(ip_address("127.0.0.1"))
PEM = serialization.Encoding.PEM
OPENSSL = shutil.which("openssl")


class CertificatesCase(PageCase):
    """The pieces of the page, and certificates for them."""

    page = PAGE

    def setUp(self) -> None:
        """Make an authority, a device's files, and the changes that a piece needs."""
        super().setUp()
        self.root = Issuer()
        self.files = CertificateFiles(self)
        self.ca = self.files.write("root.pem", self.root.pem)

    def made(self, caption: str, *changes: tuple[str, str], **names: Any) -> Any:
        """Run a piece of code on the page.

        :return: the client that it has made; see :meth:`run_piece`.
        """
        names = {"SocketClient": SocketClient, "client_tls": client_tls, **names}
        return self.run_piece(caption, *changes, **names)["client"]

    async def reason(self, url: str, **options: Any) -> str:
        """Why an attempt fails, as its error says."""
        client = self.client(url, reconnect=False, **options)
        error = await self.failure_of(client.when_connected())
        return f"{type(error).__name__}: {error}"


class PieceTests(CertificatesCase):
    """The pieces of Python."""

    async def test_own_authority(self) -> None:
        """A file with an authority is trusted, and nobody else is."""
        named = x509.DNSName("phoenix.internal")
        server = await self.serve(tls=self.root.sign(named))
        for caption, changes, names in (
            ("an authority of your own", [("/etc/chat/ca.pem", self.ca)], {}),
            ("an authority that is no file", [], {"pem": self.root.pem}),
        ):
            url = (URL, server.url)
            await self.join_and_push(self.made(caption, url, *changes, **names))
        other = await self.serve(tls=Issuer().sign(named))
        own = client_tls("phoenix.internal", ca_file=self.ca)
        self.assertIn("not trusted", await self.reason(other.url, tls=own))

    async def test_other_name(self) -> None:
        """The certificate may have another name than the URL, and must have that."""
        server = await self.serve(tls=self.root.sign(x509.DNSName("phoenix.internal")))
        ca = ("/etc/chat/ca.pem", self.ca)
        url = ("wss://10.1.2.3/socket", server.url)
        await self.join_and_push(self.made("another name than the URL's", url, ca))
        tls = client_tls("127.0.0.1", ca_file=self.ca)
        self.assertIn("not valid for host", await self.reason(server.url, tls=tls))

    async def demanding(self, seen: list[str | None]) -> tuple[Any, Any]:
        """A server that demands a certificate, and a client of the page's for it.

        :param seen: is told whom each certificate names.
        """

        def connect(params: Any, socket: Socket) -> None:
            seen.append(common_name(socket.ssl_cert))

        server = await self.serve(tls=self.files.demanding, connect=connect)
        cert, key = self.files.sign("dev-1", password=PASSWORD.encode())
        client = self.made(
            "a certificate of the client's own",
            (URL, server.url),
            ('"phoenix.internal"', '"127.0.0.1"'),
            ("/etc/chat/ca.pem", self.files.ca),
            ("/etc/chat/cert.pem", cert),
            ("/etc/chat/key.pem", key),
            ("/run/secrets/key-password", self.files.password()),
        )
        return server, client

    async def test_client_certificate(self) -> None:
        """A server that demands a certificate sees the client's."""
        seen: list[str | None] = []
        _, client = await self.demanding(seen)
        await self.join_and_push(client)
        self.assertEqual(seen, ["dev-1"])

    async def test_rotation(self) -> None:
        """A new certificate is shown by the next connection, which may be had now."""
        seen: list[str | None] = []
        _, client = await self.demanding(seen)
        await self.join_and_push(client)
        room = client.channels.find(TOPIC)
        self.files.sign("dev-1-renewed", password=PASSWORD.encode())
        self.assertEqual(await room.push("echo", {}), {})
        lines = textwrap.indent(captioned(PAGE, "connect again"), "    ")
        names: dict[str, Any] = {"client": client}
        exec(f"async def again():\n{lines}", names)
        await names["again"]()
        self.assertEqual(await room.push("echo", {"b": 2}), {"b": 2})
        self.assertEqual(seen, ["dev-1", "dev-1-renewed"])

    async def test_new_authority(self) -> None:
        """With both authorities in the file, servers of either are trusted."""
        new = Issuer()
        path = self.files.write("both.pem", self.root.pem)
        tls = client_tls("127.0.0.1", ca_file=path)
        Path(path).write_bytes(self.root.pem + new.pem)
        for authority in (self.root, new):
            server = await self.serve(tls=authority.sign(LOCAL))
            await self.join_and_push(self.client(server.url, tls=tls))


class DevelopmentTests(CertificatesCase):
    """Certificates that have signed themselves."""

    async def check_trusted(self, certificate: bytes, key: bytes) -> None:
        """The page's piece trusts a certificate, and who does without it does not."""
        own = PrivateCertificate.loadPEM(certificate + key)
        server = await self.serve(tls=own.options())
        path = self.files.write("selfsigned.pem", certificate)
        url = server.url.replace("127.0.0.1", "localhost")
        client = self.made(
            "a development machine",
            ("wss://localhost:4001/socket", url),
            ("selfsigned.pem", path),
        )
        await self.join_and_push(client)
        self.assertIn("self-signed and not trusted", await self.reason(url))

    async def test_openssl(self) -> None:
        """What the page's command makes is trusted by its file."""
        (command,) = [
            block.text for block in blocks(PAGE, "console") if "openssl" in block.text
        ]
        _, _, *words = shlex.split(command.replace("\\\n", " "))
        assert OPENSSL is not None
        folder = str(self.files.directory)
        _, err, code = await getProcessOutputAndValue(OPENSSL, words, path=folder)
        self.assertEqual(code, 0, err)
        certificate, key = (
            (self.files.directory / name).read_bytes()
            for name in ("selfsigned.pem", "selfsigned_key.pem")
        )
        await self.check_trusted(certificate, key)

    if OPENSSL is None:
        test_openssl.skip = "openssl is not installed"  # type: ignore[attr-defined]

    async def test_phoenix(self) -> None:
        """So is a certificate that is like those of ``mix phx.gen.cert``.

        They are no authority's: CA is false, and the key's usage has no signing of
        certificates.
        """
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Self-signed test")])
        not_for = (
            "content_commitment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        )
        usage = dict.fromkeys(not_for, False)
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(name, name, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
        )
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (
                x509.KeyUsage(digital_signature=True, key_encipherment=True, **usage),
                True,
            ),
            (x509.ExtendedKeyUsage(both), False),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.SubjectAlternativeName([x509.DNSName("localhost")]), False),
        ]
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        made = builder.sign(key, hashes.SHA256())
        plain = serialization.NoEncryption()
        kind = serialization.PrivateFormat.TraditionalOpenSSL
        await self.check_trusted(
            made.public_bytes(PEM), key.private_bytes(PEM, kind, plain)
        )


class ErrorTests(CertificatesCase):
    """The page's texts of errors."""

    def setUp(self) -> None:
        """Read the page."""
        super().setUp()
        page = (DOCS / f"{PAGE}.rst").read_text("utf-8")
        _, _, self.section = page.partition("\nErrors\n------\n")
        self.left = re.findall(r"^   \* - ``(.+)``$", self.section, re.M)
        self.assertGreater(len(self.left), 7)

    @contextmanager
    def last_row(self) -> Iterator[None]:
        """No row of the table may be left afterwards."""
        yield
        self.assertEqual(self.left, [])

    def found(self, text: str) -> None:
        """A row of the table is a part of the text; it is left no more."""
        begin = "ConnectionFailed: lost during the handshake: TLS: "
        self.assertTrue(text.startswith(begin), text)
        (row,) = [row for row in self.left if row in text]
        self.left.remove(row)

    async def test_table(self) -> None:
        """Each text is what an attempt fails with, and no row is of another."""
        hour = timedelta(hours=1)
        own = client_tls("127.0.0.1", ca_file=self.ca)
        other = client_tls("example.org", ca_file=self.ca)
        between = Issuer(self.root).sign(LOCAL)
        between.extraCertChain = []
        with self.last_row():
            for server, tls in (
                (between, own),
                (self.files.credentials.server, None),
                (self.root.sign(LOCAL, ends=-hour), own),
                (self.root.sign(LOCAL, begins=hour), own),
                (self.root.sign(LOCAL), other),
                (self.root.sign(), own),
            ):
                started = await self.serve(tls=server)
                self.found(await self.reason(started.url, tls=tls))
            demanding = await self.serve(tls=self.files.demanding)
            late = self.files.authority.sign("late", life=-hour)
            stranger = CertificateFiles(self).authority.sign("a stranger")
            for shown in (None, stranger, late):
                files: dict[str, Any] = {}
                if shown is not None:
                    text = shown.certificate + shown.key
                    files["cert_file"] = self.files.write("shown.pem", text)
                tls = client_tls("127.0.0.1", ca_file=self.files.ca, **files)
                self.found(await self.reason(demanding.url, tls=tls))

    async def test_others(self) -> None:
        """The three that have other words are what the page says."""
        secure = await self.serve(tls=self.root.sign(LOCAL))
        plain = await self.serve()
        text = await self.reason(secure.url.replace("wss:", "ws:"))
        shown = "ConnectionFailed: lost during the handshake: ConnectionDone"
        self.assertIn(shown, text)
        self.assertIn(f"``{shown}``", self.section)
        url = plain.url.replace("ws:", "wss:")
        text = await self.reason(url, connect_timeout=2)
        shown = "still waiting for the TLS handshake"
        self.assertIn(shown, text)
        self.assertIn(f"``{shown}``", self.section)

    def test_files(self) -> None:
        """What is wrong with a file is said at once, in the words of the page."""
        cert, key = self.files.sign("dev-1", password=b"pass")
        empty = self.files.write("empty.pem", b"")
        other = self.files.write("other.pem", self.files.authority.sign("dev-2").key)
        password = {"key_password": "wrong"}
        cases: list[tuple[str, dict[str, Any]]] = [
            ("cannot read", {"ca_file": "/nowhere"}),
            ("there are no certificates in PEM", {"ca_file": empty}),
            ("there is no private key in PEM", {"cert_file": cert}),
            ("give its password", {"cert_file": cert, "key_file": key}),
            ("cannot be decrypted", {"cert_file": cert, "key_file": key, **password}),
            (
                "is not that of the first certificate",
                {"cert_file": cert, "key_file": other},
            ),
        ]
        for said, files in cases:
            with self.assertRaises(ConfigurationError) as caught:
                client_tls("phoenix.internal", **files)
            self.assertIn(said, str(caught.exception))
            self.assertIn(f"``{said}``", self.section)


class CommandTests(CommandTestCase):
    """The page's command."""

    skip = NOT_THERE

    async def test_push(self) -> None:
        """It pushes over TLS, with the certificate of its files."""
        files = CertificateFiles(self)
        credentials: Credentials = files.credentials
        cert, key = files.sign("dev-1", password=PASSWORD.encode())
        seen = []
        server = await PhoenixServer(
            {"rooms:*": ChatRoom},
            tls=files.authority.demanded_by(credentials),
            connect=lambda params, socket: seen.append(common_name(socket.ssl_cert)),
        ).start()
        self.addCleanup(server.stop, drain=False)
        (text,) = [it.text for it in blocks(PAGE, "console") if "push" in it.text]
        places = {
            "/etc/chat/ca.pem": files.ca,
            "/etc/chat/cert.pem": cert,
            "/etc/chat/key.pem": key,
            "/run/secrets/key-password": files.password(),
            URL: server.url,
        }
        words = shlex.split(text.replace("\\\n", " "))[2:]
        self.assertEqual(set(places) - set(words), set())
        code = await self.command(*(places.get(word, word) for word in words))
        self.assertEqual((code, self.out.output.text), (0, "{}\n"))
        self.assertEqual(seen, ["dev-1"])
