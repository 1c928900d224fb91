"""What the page about the way to the server shows works as it is printed."""

from __future__ import annotations

from importlib.util import find_spec
from ipaddress import ip_address
from typing import Any

from cryptography import x509

from txphoenix import SocketClient, client_tls

from .certificates import Issuer
from .client_certificate_case import PASSWORD, CertificateFiles
from .network import TOPIC, NetworkTestCase
from .socks_server import SOCKSServer
from .test_howtos import DOCS, NOT_THERE, URL, blocks

NO_SOCKS = None if find_spec("txtorcon") else "txtorcon is not installed"


class NetworkPageTests(NetworkTestCase):
    """The page's pieces of code."""

    skip = NOT_THERE

    def run_block(self, caption: str, url: str, **names: Any) -> SocketClient:
        """Run a piece of code on the page.

        :param url: stands in the place of the page's.
        :param names: what the piece takes from elsewhere.
        :return: the client that it has made, started, and stopped after the test.
        """
        (block,) = [
            it for it in blocks("howto-network", "python") if it.caption == caption
        ]
        text = block.text
        for old, new in [(URL, url), *names.pop("changes", [])]:
            text = text.replace(old, new)
        namespace = {"SocketClient": SocketClient, **names}
        exec(compile(text, caption, "exec"), namespace)
        client: SocketClient = namespace["client"]
        self.addCleanup(client.stopService)
        client.startService()
        return client

    async def check(self, client: SocketClient) -> None:
        """Join and push."""
        _, room = await client.join(TOPIC)
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})

    async def test_private_authority(self) -> None:
        """The example of a private authority reaches a server of that authority."""
        root = Issuer()
        server = await self.serve(tls=root.sign(x509.DNSName("phoenix.internal")))
        client = self.run_block(
            "with a private authority",
            server.url,
            pem=root.pem,
            changes=[("wss://10.1.2.3/socket", server.url)],
        )
        await self.check(client)

    async def test_client_certificate(self) -> None:
        """The example of a client's certificate is let in by a server that wants one.

        Without it, the error is the one that the page shows.
        """
        files = CertificateFiles(self)
        cert, key = files.sign("dev-1", password=PASSWORD.encode())
        server = await self.serve(tls=files.demanding)
        client = self.run_block(
            "with a certificate of the client's own",
            server.url,
            changes=[
                ('"example.org",', f'"127.0.0.1", ca_file={files.ca!r},'),
                ('"cert.pem"', repr(cert)),
                ('"key.pem"', repr(key)),
                ('"password"', repr(files.password())),
            ],
        )
        await self.check(client)
        without = self.client(
            server.url, tls=client_tls("127.0.0.1", ca_file=files.ca), reconnect=False
        )
        error = await self.failure_of(without.when_connected())
        page = (DOCS / "howto-network.rst").read_text("utf-8")
        # What is before that depends on the release of OpenSSL.
        _, found, alert = f"{error}".partition(" (wss:")[0].rpartition(" alert ")
        self.assertIn(f"ConnectionFailed: {str(error)[:26]}", page)
        self.assertIn(f"{found}{alert}\n", page)

    async def test_socks(self) -> None:
        """The example of a SOCKS proxy goes through it, which looks the name up."""
        local = x509.IPAddress(ip_address("127.0.0.1"))
        root = Issuer()
        for tls in (None, root.sign(x509.DNSName("phoenix.example"), local)):
            server = await self.serve(tls=tls)
            socks = await self.listen(SOCKSServer)
            SOCKSServer.asked.clear()
            client = self.run_block(
                "through a SOCKS5 proxy",
                server.url.replace("127.0.0.1", "phoenix.example"),
                changes=[("1080", str(socks))],
            )
            if tls is not None:
                await client.reconfigure(tls=root.tls("phoenix.example"))
            await self.check(client)
            self.assertEqual(SOCKSServer.asked[0], ("phoenix.example", server.port))
            await client.stopService()

    test_socks.skip = NOT_THERE or NO_SOCKS  # type: ignore[attr-defined]
