"""Decision 3: TLS does not fail open, whatever the certificate; over real TCP.

Each odd certificate of :mod:`.tls_cases` is shown to a client on each of the ways in
which TLS begins.
What the server is told inside of TLS is noted, and where the certificate is no good
that must be nothing: the first thing would be the token.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from unittest import mock, skipIf

from cryptography import x509
from OpenSSL.crypto import X509
from twisted import version as twisted_version  # type: ignore[attr-defined]
from twisted.internet.endpoints import (
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import (
    IAcceptableCiphers,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, TLSVersion
from zope.interface import directlyProvides

from txphoenix.client.socket_client import SocketClient

from .certificates import raw_names
from .network import Tunnel, reactor
from .tls_case import (
    IS_CLOSED,
    TOKEN,
    Anonymous,
    CertificatesTestCase,
    Composed,
    Recorder,
    Resuming,
    raiser,
)
from .tls_cases import Case, cases

# TLS 1.2 alone cannot be asked of them, and they read a certificate in another way.
IS_OLD_TLS = (twisted_version.major, twisted_version.minor) < (25, 5)
OLD_TLS = "the releases of Twisted and pyOpenSSL are too old to put this on the stage"
OLD_COMPARISON = "Twisted before 25.5 compares as well, and has no wildcard for an IDN"


class Client(Protocol):
    """Says something as soon as it may."""

    def connectionMade(self) -> None:
        """Say it, in the form of a request."""
        cast(Any, self.transport).write(f"{TOKEN}\r\n\r\n".encode())


UNREADABLE = (ValueError("x"), x509.InvalidVersion("x", 5), KeyError(), MemoryError())
"""What reading a certificate may end in."""


class OurTLSTests(CertificatesTestCase):
    """TLS that we begin, with Twisted's options or with those of the user."""

    is_fast = True

    def client(self, url: Any, **options: Any) -> SocketClient:
        """A client with one of the two kinds of TLS."""
        return super().client(url, **{"fast_tls": self.is_fast, **options})

    async def check(self, options: Any) -> None:
        """Show each of the certificates."""
        for case in cases(self.root):
            url = f"wss://{case.host}"
            error, told = await self.try_out(case.certificate, url, options)
            with self.subTest(case=case.name, error=error, told=told):
                self.check_one(case, error, told)

    async def test_websocket(self) -> None:
        """By default, for a WebSocket."""
        await self.check(lambda host, port: {"endpoint": self.here(port)})

    async def test_names_of_no_idna(self) -> None:
        """A name that Twisted's own TLS does not take is no way around."""
        sign = self.root.sign
        for host in ("my_service.example", "a--b.example"):
            name = x509.DNSName(host)
            for case in (
                Case("right", host, sign(name)),
                Case("mixed", host, sign(x509.DNSName("*.com"), name), is_mixed=True),
                Case("none", host, sign(common_name=host), "no subjectAltName"),
                Case("e-mail", host, sign(x509.RFC822Name("a@b.c")), "names no host"),
                Case("other", host, sign(x509.DNSName("x.example")), "'x.example'"),
                Case("expired", host, sign(name, ends=-timedelta(1)), "has expired"),
            ):
                for transport in ("websocket", "longpoll"):
                    error, told = await self.try_out(
                        case.certificate,
                        f"wss://{host}",
                        lambda host, port, transport=transport: {
                            "endpoint": self.here(port),
                            "transport": transport,
                        },
                    )
                    with self.subTest(case=case.name, error=error, told=told):
                        self.check_one(case, error, told)

    @skipIf(IS_OLD_TLS, OLD_COMPARISON)
    async def test_wildcards_for_an_idn(self) -> None:
        """A wildcard stands for a whole label of any letters, never for a part of one.

        service_identity has none for an IDN.
        """
        host, none = "xn--bcher-kva.b.example", "not valid for host"
        for pattern, fault in (
            ("*.b.example", None),
            ("xn--*.b.example", none),
            ("x.b.example", none),
            ("*.xn--bcher-kva.b.example", none),
            (f" {host}", none),
        ):
            certificate = self.root.sign(raw=raw_names((2, pattern.encode())))
            error, told = await self.try_out(
                certificate,
                f"wss://{host}",
                lambda _, port: {"endpoint": self.here(port)},
            )
            self.check_one(Case(pattern, host, certificate, fault), error, told)

    async def test_longpoll(self) -> None:
        """By default, for long-poll."""
        await self.check(
            lambda host, port: {"endpoint": self.here(port), "transport": "longpoll"}
        )

    async def test_fallback(self) -> None:
        """By default, for a WebSocket and then long-poll."""
        await self.check(
            lambda host, port: {"endpoint": self.here(port), "longpoll_fallback": 60}
        )

    async def test_own(self) -> None:
        """With the option ``tls``, for a WebSocket."""
        await self.check(
            lambda host, port: {
                "endpoint": self.here(port),
                "tls": self.own(host),
            }
        )

    async def test_own_longpoll(self) -> None:
        """With the option ``tls`` and extras, for long-poll."""
        await self.check(
            lambda host, port: {
                "endpoint": self.here(port),
                "transport": "longpoll",
                "tls": self.own(host, extraCertificateOptions={"enableSessions": True}),
            }
        )

    async def test_callable(self) -> None:
        """With an endpoint of the user's that uses the TLS which it is handed."""
        await self.check(
            lambda host, port: {
                "endpoint": lambda reactor, host, port, tls: wrapClientTLS(
                    tls, self.here(port)
                ),
            }
        )

    async def test_unreadable(self) -> None:
        """Whatever reading a certificate ends in, it is refused."""
        certificate = self.root.sign(x509.DNSName("a.b.example"))
        for error in UNREADABLE:
            self.patch(X509, "to_cryptography", raiser(error))
            for transport in ("websocket", "longpoll"):
                case = Case("", "a.b.example", certificate, type(error).__name__)
                refused, told = await self.try_out(
                    certificate,
                    f"wss://{case.host}",
                    lambda host, port, transport=transport: {
                        "endpoint": self.here(port),
                        "transport": transport,
                    },
                )
                with self.subTest(error=error, transport=transport):
                    self.check_one(case, refused, told)

    @skipIf(IS_OLD_TLS, OLD_TLS)
    async def test_no_certificate(self) -> None:
        """A server that shows none is refused, though the user's ciphers allow it."""
        ciphers = mock.Mock()
        names = ("ALL", "aNULL", "@SECLEVEL=0")
        ciphers.selectCiphers.return_value = [mock.Mock(fullName=it) for it in names]
        extra = {
            "acceptableCiphers": ciphers,
            "insecurelyLowerMinimumTo": TLSVersion.TLSv1_2,
            "lowerMaximumSecurityTo": TLSVersion.TLSv1_2,
        }
        directlyProvides(ciphers, IAcceptableCiphers)
        case = Case("", "a.b.example", cast(Any, Anonymous()), "no certificate")
        for transport in ("websocket", "longpoll"):
            refused, told = await self.try_out(
                case.certificate,
                f"wss://{case.host}",
                lambda host, port, transport=transport: {
                    "endpoint": self.here(port),
                    "tls": self.own(host, extraCertificateOptions=dict(extra)),
                    "transport": transport,
                },
            )
            with self.subTest(transport=transport):
                self.check_one(case, refused, told)

    @skipIf(IS_OLD_TLS, OLD_TLS)
    async def test_resumed(self) -> None:
        """A session that is resumed shows no certificate, and is its host's still."""
        certificate = self.root.sign(x509.DNSName("a.b.example"))
        certificate.enableSessions = True
        case = Case("", "a.b.example", certificate)
        older = {"lowerMaximumSecurityTo": TLSVersion.TLSv1_2}
        tls = self.own(case.host, extraCertificateOptions=older)
        resuming = Resuming()
        for _ in range(2):
            error, told = await self.try_out(
                certificate,
                f"wss://{case.host}",
                lambda host, port: {
                    "endpoint": lambda reactor, host, port, tls: wrapClientTLS(
                        resuming.around(tls), self.here(port)
                    ),
                    "tls": tls,
                },
            )
            self.check_one(case, error, told)
        self.assertEqual(len(resuming.keys()), 1)

    async def proxied(self, **more: Any) -> None:
        """Show them through a proxy."""
        tunnel = f"http://127.0.0.1:{await self.listen(Tunnel)}"
        await self.check(lambda host, port: {"proxy": tunnel, **more})

    async def test_proxy(self) -> None:
        """Through a tunnel, for a WebSocket."""
        await self.proxied()

    async def test_proxy_longpoll(self) -> None:
        """Through a tunnel, for long-poll."""
        await self.proxied(transport="longpoll")


class StockTLSTests(OurTLSTests):
    """So it is with Twisted's own TLS."""

    is_fast = False


class TLSOfOthersTests(CertificatesTestCase):
    """TLS in an endpoint of the user's: we see no more than the connection."""

    async def check(self, options: Any) -> None:
        """Show each of the certificates; the URL knows nothing of TLS."""
        for case in cases(self.root):
            url = f"ws://{case.host}"
            error, told = await self.try_out(case.certificate, url, options)
            with self.subTest(case=case.name, error=error, told=told):
                # What Twisted refuses by itself, it refuses in its own words.
                fault = None if case.fault is None else ""
                self.check_one(case._replace(fault=fault), error, told)

    async def test_wrapped(self) -> None:
        """An endpoint that is wrapped in TLS."""
        await self.check(
            lambda host, port: {
                "endpoint": wrapClientTLS(self.own(host), self.here(port))
            }
        )

    async def test_wrapped_longpoll(self) -> None:
        """The same, for long-poll."""
        await self.check(
            lambda host, port: {
                "endpoint": wrapClientTLS(self.own(host), self.here(port)),
                "transport": "longpoll",
            }
        )

    async def test_ssl(self) -> None:
        """Twisted's older endpoint for TLS."""
        await self.check(
            lambda host, port: {
                "endpoint": SSL4ClientEndpoint(
                    reactor, "127.0.0.1", port, self.own(host)
                )
            }
        )

    async def test_description(self) -> None:
        """The description of an endpoint with TLS."""
        await self.check(
            lambda host, port: {
                "endpoint": f"tls:{host}:{port}:trustRoots={self.directory}"
                f":endpoint=tcp\\:127.0.0.1\\:{port}"
            }
        )

    async def test_callable(self) -> None:
        """A callable that has its own way with TLS."""
        await self.check(
            lambda host, port: {
                "endpoint": lambda *_: wrapClientTLS(self.own(host), self.here(port))
            }
        )

    async def test_composed(self) -> None:
        """Somebody's own class around what Twisted makes, as the option ``tls``."""
        for case in cases(self.root):
            error, told = await self.try_out(
                case.certificate,
                f"wss://{case.host}",
                lambda host, port: {
                    "endpoint": self.here(port),
                    "tls": Composed(self.own(host)),
                },
            )
            with self.subTest(case=case.name, error=error, told=told):
                fault = None if case.fault is None else ""
                self.check_one(case._replace(fault=fault), error, told)

    @skipIf(IS_OLD_TLS, OLD_TLS)
    async def test_unreadable(self) -> None:
        """What Twisted could not read, it has accepted; it is refused as any other."""
        certificate = self.root.sign(x509.DNSName("a.b.example"))
        for error in UNREADABLE:
            self.patch(X509, "to_cryptography", raiser(error))
            for transport in ("websocket", "longpoll"):
                case = Case("", "a.b.example", certificate, "")
                refused, told = await self.try_out(
                    certificate,
                    f"ws://{case.host}",
                    lambda host, port, transport=transport: {
                        "endpoint": wrapClientTLS(self.own(host), self.here(port)),
                        "transport": transport,
                    },
                )
                with self.subTest(error=error, transport=transport):
                    self.check_one(case, refused, told)

    async def test_no_name_is_checked(self) -> None:
        """Who has decided to check no name is left alone."""
        trusting = CertificateOptions(trustRoot=self.root.trust_root)
        for certificate in (
            self.root.sign(),
            self.root.sign(x509.DNSName("x.example")),
        ):
            _, told = await self.try_out(
                certificate,
                "ws://a.b.example",
                lambda host, port: {
                    "endpoint": wrapClientTLS(trusting, self.here(port))
                },
            )
            self.assertIn(TOKEN.encode(), told)


class StockTwistedTests(CertificatesTestCase):
    """Whether Twisted needs our help."""

    async def test_it_fails_closed(self) -> None:
        """By itself it refuses a certificate without a name.

        Once it does so unexpectedly, a release is there that does not need
        :mod:`txphoenix.transports.tls`.
        """
        Recorder.told.clear()
        server = SSL4ServerEndpoint(reactor, 0, self.root.sign(), interface="127.0.0.1")
        listening = await server.listen(Factory.forProtocol(Recorder))
        self.addCleanup(listening.stopListening)
        port = listening.getHost().port
        tls = self.own("a.b.example")
        await wrapClientTLS(tls, self.here(port)).connect(Factory.forProtocol(Client))
        await self.until(lambda: Recorder.open)
        await self.until(lambda: not Recorder.open)
        self.flushLoggedErrors()
        self.assertEqual(Recorder.told, [])

    if not IS_CLOSED:
        test_it_fails_closed.todo = "Twisted fails open"  # type: ignore[attr-defined]
