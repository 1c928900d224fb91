"""What the page about the way to the server shows works as it is printed."""

from __future__ import annotations

from ipaddress import ip_address

from cryptography import x509

from txphoenix import SocketClient

from .certificates import Issuer
from .extra import why_skipped
from .page_case import PageCase
from .socks_server import SOCKSServer
from .test_howtos import NOT_THERE, URL

NO_SOCKS = why_skipped("txtorcon")


class NetworkPageTests(PageCase):
    """The page's pieces of code."""

    page = "howto-network"

    async def test_socks(self) -> None:
        """The example of a SOCKS proxy goes through it, which looks the name up."""
        local = x509.IPAddress(ip_address("127.0.0.1"))
        root = Issuer()
        for tls in (None, root.sign(x509.DNSName("phoenix.example"), local)):
            server = await self.serve(tls=tls)
            socks = await self.listen(SOCKSServer)
            SOCKSServer.asked.clear()
            client = self.run_piece(
                "through a SOCKS5 proxy",
                (URL, server.url.replace("127.0.0.1", "phoenix.example")),
                ("1080", str(socks)),
                SocketClient=SocketClient,
            )["client"]
            if tls is not None:
                await client.reconfigure(tls=root.tls("phoenix.example"))
            await self.join_and_push(client)
            self.assertEqual(SOCKSServer.asked[0], ("phoenix.example", server.port))
            await client.stopService()

    test_socks.skip = NOT_THERE or NO_SOCKS  # type: ignore[attr-defined]
