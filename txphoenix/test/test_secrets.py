"""Decision 11: secrets stay out of logs, telemetry, reprs and errors.

Everything that is logged is kept, at all levels, Autobahn's included.
The servers here are no Autobahn, so that whatever is logged is the client's.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, cast
from urllib.parse import quote

from twisted.internet.defer import Deferred, fail
from twisted.logger import (
    ILogObserver,
    eventAsJSON,
    formatEvent,
    globalLogPublisher,
)
from twisted.trial.unittest import SynchronousTestCase
from txaio import tx

from txphoenix import telemetry
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError, HandshakeRefused
from txphoenix.transports.websocket import PhoenixClientProtocol

from .raw_server import SWITCHING, RawTestCase, server_frame

SECRET = "s3cret/t0ken"

# As it stands in a header, a query, and a subprotocol.
FORMS = [
    SECRET,
    quote(SECRET, safe=""),
    base64.b64encode(SECRET.encode()).decode().rstrip("="),
]


class SecretKeeper:
    """Keeps all that is logged and told while a test runs, and searches it.

    :param case: the test.
    :param forms: the secret, in each form that it could be seen in.
    """

    def __init__(self, case: SynchronousTestCase, forms: Sequence[str] = FORMS) -> None:
        self._case = case
        self._forms = forms
        self.seen: list[str] = []
        observer = cast(ILogObserver, self._keep_event)
        globalLogPublisher.addObserver(observer)
        case.addCleanup(globalLogPublisher.removeObserver, observer)
        # Autobahn's loggers do nothing at all below the level that is set.
        level = tx.get_global_log_level()
        tx.set_global_log_level("trace")
        case.addCleanup(tx.set_global_log_level, level)
        telemetry.attach_debug_handler()
        case.addCleanup(telemetry.detach_debug_handler)
        names = (telemetry.SOCKET, telemetry.STATE_CHANGE)
        telemetry.attach_many(self, names, self._keep_telemetry)
        case.addCleanup(telemetry.detach, self)

    def _keep_event(self, event: Any) -> None:
        self.keep(formatEvent(event), repr(event), eventAsJSON(event))

    def _keep_telemetry(self, *arguments: Any) -> None:
        self.keep(repr(arguments))

    def keep(self, *texts: object) -> None:
        """Keep what somebody could see."""
        self.seen += [str(text) for text in texts]

    def keep_error(self, error: BaseException) -> None:
        """Keep all that an error shows of itself."""
        self.keep(error, repr(error), error.args, getattr(error, "reason", ""))

    def assert_kept(self) -> None:
        """No secret was seen, in any of its forms."""
        self._case.assertGreater(len(self.seen), 3)
        for text in self.seen:
            for form in self._forms:
                if form in text:
                    self._case.fail(f"a secret is in {text!r:.2000}")


class SecretsTests(RawTestCase):
    """A client with a secret wherever it can have one."""

    def setUp(self) -> None:
        """Look everywhere."""
        super().setUp()
        self.keeper = SecretKeeper(self)

    def secretive(self, **options: Any) -> SocketClient:
        """A client full of secrets."""
        client = self.make_client(
            **{
                "url": f"{self.memory.url}?key={quote(SECRET, safe='')}",
                "params": {"token": SECRET, "user": {"password": SECRET}},
                "headers": {"Authorization": SECRET, "Cookie": f"session={SECRET}"},
                "auth_token": SECRET,
                "default_channel_params": {"token": SECRET},
                "join_channels": {"rooms:lobby": {"token": SECRET}},
                **options,
            }
        )
        client.on_error(self.keeper.keep_error)
        client.on_close(self.keeper.keep_error)
        return client

    def finish(self, client: SocketClient) -> None:
        """Look at all that a client shows of itself, and stop it."""
        for shown in (
            client,
            client.options,
            client.connection,
            client.connection._factory,
            client.connection._factory.connector,
            client.state,
            client.channels,
            client.get_state(),
            *client.channels,
        ):
            self.keeper.keep(shown, repr(shown))
        self.stop_client(client)
        self.keeper.assert_kept()

    def attempt(self, answer: bytes | None, closes: bool = False) -> None:
        """An attempt that is answered like this, and the next one."""
        self.raw.answer, self.raw.closes = answer, closes
        client = self.secretive(connect_timeout=3)
        client.startService()
        self.memory.advance(4)
        # All of it has been sent.
        request = self.peer.request.decode()
        for form in FORMS:
            self.assertIn(form, request)
        self.finish(client)

    def test_connected(self) -> None:
        """While all is well, and when the connection ends."""
        self.raw.answer = SWITCHING + b"Sec-WebSocket-Protocol: phoenix\r\n\r\n"
        client = self.secretive()
        client.startService()
        self.memory.flush()
        self.peer.send(server_frame(1, b"hello") + server_frame(9, b"ping"))
        self.peer.send(
            server_frame(
                1,
                b'["1","1","rooms:lobby","phx_reply",{"status":"ok","response":{}}]',
            )
        )
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(client.channels.routes["rooms:lobby"].state, "joined")
        self.memory.advance(31)
        self.peer.send(server_frame(3, b""))
        self.memory.advance(5)
        self.finish(client)

    def test_refused(self) -> None:
        """When the handshake is refused, for whatever reason."""
        for answer in (
            b"HTTP/1.1 403 Forbidden\r\n\r\n",
            b"HTTP/1.1 101 Switching\r\n\r\n",
            SWITCHING + b"Sec-WebSocket-Protocol: graphql\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"x" * 100_000,
        ):
            with self.subTest(answer=answer[:40]):
                self.attempt(answer)

    def test_not_answered(self) -> None:
        """When the handshake is not answered, or the connection is lost."""
        self.attempt(None)
        self.attempt(None, closes=True)

    def test_not_reached(self) -> None:
        """When the server cannot be reached."""
        self.memory.is_listening = False
        client = self.secretive()
        client.startService()
        self.memory.advance(5)
        self.finish(client)

    def test_callables(self) -> None:
        """When a secret comes from a callable, or an error with it does."""

        def raises() -> Any:
            raise ValueError(SECRET)

        async def raises_later() -> Any:
            raise ValueError(SECRET)

        answers: list[Callable[[], Any]] = [
            raises,
            raises_later,
            lambda: fail(ValueError(SECRET)),
            lambda: SECRET + "\r\n",
            lambda: {"name": SECRET + "\r\n"},
            lambda: {SECRET: SECRET},
            lambda: [SECRET],
            SECRET.encode,
            lambda: f"ftp://host/?token={SECRET}",
            lambda: f"ws://me:{SECRET}@host/socket",
            lambda: f"ws://host:{SECRET}/socket",
            lambda: f"ws://host/socket?token={SECRET}#{SECRET}",
        ]
        for option in ("url", "params", "headers", "auth_token"):
            for number, answer in enumerate(answers):
                if option in ("params", "headers") and number == 5:
                    # A name is no secret.
                    continue
                with self.subTest(option=option, number=number):
                    client = self.secretive(**{option: answer})
                    client.startService()
                    self.memory.flush()
                    self.finish(client)

    def test_callable_that_is_given_up(self) -> None:
        """When an answer comes too late."""
        asked: list[Deferred[Any]] = []

        def ask() -> Any:
            asked.append(Deferred(lambda _: None))
            return asked[-1]

        client = self.secretive(params=ask, connect_timeout=3)
        client.startService()
        self.memory.advance(3)
        asked[0].addErrback(lambda _: None)
        self.finish(client)

    def test_wrong_options(self) -> None:
        """When an option is wrong."""
        for options in (
            {"url": f"ftp://host/?token={SECRET}"},
            {"url": f"ws://me:{SECRET}@host/socket"},
            {"params": {"token": {SECRET}}},
            {"params": SECRET},
            {"headers": {"Authorization": SECRET + "\n"}},
            {"headers": SECRET},
            {"auth_token": SECRET.encode()},
            {"auth_token": SECRET + " "},
            {"proxy": f"ftp://me:{SECRET}@host"},
            {"proxy": f"http://me:{SECRET}@host:port"},
        ):
            with self.subTest(options=list(options)):
                error = self.assertRaises(
                    ConfigurationError, self.secretive, **cast(Any, options)
                )
                self.keeper.keep_error(error)
        self.keeper.keep("", "", "")
        self.keeper.assert_kept()

    def test_proxy(self) -> None:
        """What a proxy is told is as secret."""
        client = self.secretive(
            endpoint=None, proxy=f"http://me:{quote(SECRET, safe='')}@proxy:3128"
        )
        self.finish(client)

    def test_headers_of_the_answer(self) -> None:
        """What the server said in headers is there for who asks, and not shown."""
        answer = f"HTTP/1.1 403 No\r\nSet-Cookie: {SECRET}\r\n\r\n"
        self.raw.answer = answer.encode()
        client, (error,) = self.refused_client()
        assert isinstance(error, HandshakeRefused)
        self.assertEqual(error.headers["set-cookie"], SECRET)
        self.keeper.keep_error(error)
        self.finish(client)

    def test_is_looked_for(self) -> None:
        """The search finds what Autobahn would log by itself."""
        with self.assertRaises(self.failureException):
            log = tx.make_logger()
            log.debug("sent {request}", request=f"GET /?token={SECRET}")
            self.keeper.assert_kept()
        self.keeper.seen.clear()

    def test_quiet_log(self) -> None:
        """Autobahn's protocol has no logger of its own."""
        self.assertEqual(type(PhoenixClientProtocol.log).__name__, "QuietLog")
