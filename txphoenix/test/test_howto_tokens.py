"""What the page about tokens shows works as it is printed; so does its example."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import treq
from twisted.internet.defer import Deferred
from twisted.web.client import HTTPConnectionPool, ResponseNeverReceived
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from txphoenix import SocketClient
from txphoenix.errors import ConfigurationError, ConnectionFailed, HandshakeRefused
from txphoenix.protocol.backoff import steps
from txphoenix.testing import PhoenixServer, Refused
from txphoenix.testing.connect import Socket
from txphoenix.testing.tls import self_signed

from .cli_program import start_program
from .network import NetworkTestCase, Room, reactor
from .test_howtos import DOCS, NOT_THERE, ROOT, blocks, captioned

PAGE = "howto-tokens"
EXAMPLE = ROOT / "examples" / "treq_token.py"


class Tokens(Resource):
    """Hands out tokens: ``token-1``, ``token-2`` and so on.

    :ivar status: what it answers.
    :ivar garbage: what it answers before that.
    :ivar keys: the path and the key of each request.
    :ivar hanging: the requests that get no answer, where there shall be such.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.status = 200
        self.garbage: list[bytes] = []
        self.keys: list[tuple[bytes, str | None]] = []
        self.life = 60
        self.hanging: list[Any] | None = None

    def render_GET(self, request: Any) -> Any:
        """Be redirected to."""
        return self.render_POST(request)

    def render_POST(self, request: Any) -> Any:
        """Hand one out."""
        self.keys.append((request.path, request.getHeader("authorization")))
        if self.garbage:
            return self.garbage.pop(0)
        if self.hanging is not None:
            self.hanging.append(request)
            return NOT_DONE_YET
        self.count += 1
        request.setResponseCode(self.status)
        if self.status == 303:
            request.setHeader("location", b"/elsewhere")
        token = f"token-{self.count}"
        return json.dumps({"token": token, "expires_in": self.life}).encode()


class TokenCase(NetworkTestCase):
    """A server with a path that hands out tokens, and the page's pieces.

    :ivar seen: the tokens of the connections that were let in.
    :ivar good: says whether a token is.
    """

    skip = NOT_THERE

    async def start(self, tls: Any = None) -> PhoenixServer:
        """Start the server."""
        self.seen: list[str | None] = []
        self.refused: list[str | None] = []
        self.good = lambda token: True
        self.tokens = Tokens()
        self.joins: list[Any] = []
        self.sockets: list[Socket] = []
        joins = self.joins

        class Lobby(Room):
            def join(self, params: Any) -> Any:
                joins.append(params)
                return params

        def connect(params: Any, socket: Socket) -> None:
            self.sockets.append(socket)
            is_good = self.good(socket.auth_token)
            (self.seen if is_good else self.refused).append(socket.auth_token)
            if not is_good:
                raise Refused

        # What a connection is kept for would outlive the test.
        pool = HTTPConnectionPool(reactor, persistent=False)
        self.patch(treq, "post", partial(treq.post, pool=pool))
        self.server = await self.serve(
            channels={"rooms:*": Lobby}, auth_token=True, connect=connect, tls=tls
        )
        self.server.resource = self.tokens
        return self.server

    def piece(
        self, caption: str, files: dict[str, str] | None = None, **names: Any
    ) -> dict[str, Any]:
        """Run a piece of the page, at this server; its names.

        The client, if it makes one, is quick to come back, and stopped after the test.

        :param files: where the files are that it names.
        """
        text = captioned(PAGE, caption)
        text = text.replace("wss://example.org/socket", self.server.url)
        is_secure = self.server.url.startswith("wss:")
        address = f"http{'s' * is_secure}://127.0.0.1:{self.server.port}"
        text = text.replace("https://example.org", address)

        for shown, path in (files or {}).items():
            self.assertIn(shown, text)
            text = text.replace(shown, path)

        def client(*args: Any, **options: Any) -> SocketClient:
            made = SocketClient(*args, **{"backoff": steps([0.01]), **options})
            self.addCleanup(made.stopService)
            return made

        names = {**names, "SocketClient": client}
        text = text.replace("from txphoenix import SocketClient\n", "")
        exec(compile(text, caption, "exec"), names)
        return names

    async def back(self, client: SocketClient) -> None:
        """End the connection, and wait until there is another."""
        opened = self.next_call(client.on_open)
        self.server.drop()
        await opened


class PieceTests(TokenCase):
    """The pieces of Python."""

    async def test_each_attempt(self) -> None:
        """A token is asked for before each attempt."""
        await self.start()
        client = self.piece("a token before each attempt")["client"]
        client.startService()
        await client.when_connected()
        await self.back(client)
        self.assertEqual(self.seen, ["token-1", "token-2"])

    async def test_private_authority(self) -> None:
        """What the client trusts treq trusts too, and treq by itself does not."""
        credentials = self_signed("example.org")
        await self.start(credentials.server)
        ca = Path(self.mktemp()).absolute()
        ca.write_bytes(credentials.trust_root.dumpPEM())
        client = self.piece(
            "a token from a private authority's server", {"/etc/chat/ca.pem": str(ca)}
        )["client"]
        client.startService()
        await client.when_connected()
        self.assertEqual(self.seen, ["token-1"])
        others = self.piece("a token before each attempt")["fresh_token"]
        with self.assertRaises(ResponseNeverReceived):
            await others()

    async def kept(self) -> SocketClient:
        """A client whose token is kept, with the example's class."""
        await self.start()
        example: dict[str, Any] = {"__name__": "example"}
        exec(compile(EXAMPLE.read_text("utf-8"), str(EXAMPLE), "exec"), example)
        names = self.piece("a token that is kept", **example, key="a key")
        client: SocketClient = names["client"]
        client.startService()
        await client.when_connected()
        return client

    async def test_kept(self) -> None:
        """One that is kept is used again, and another is asked for before its end."""
        client = await self.kept()
        await self.back(client)
        self.assertEqual(self.seen, ["token-1", "token-1"])

    async def test_nearly_over(self) -> None:
        """One that ends within the margin is not used a second time."""
        self.patch(Tokens, "__init__", partial_life(Tokens.__init__, 30))
        client = await self.kept()
        await self.back(client)
        self.assertEqual(self.seen, ["token-1", "token-2"])

    async def test_forgotten(self) -> None:
        """One that is refused is thrown away: the attempt after it has another."""
        client = await self.kept()
        self.good = lambda token: token != "token-1"
        await self.back(client)
        self.assertEqual(self.refused, ["token-1"])
        self.assertEqual(self.seen, ["token-1", "token-2"])

    async def test_garbage(self) -> None:
        """What is no answer fails an attempt, and is not kept for the next one."""
        self.patch(
            Tokens,
            "__init__",
            partial_garbage(
                Tokens.__init__,
                b"<html>",
                b"[]",
                b"{}",
                b'{"token": "x"}',
                b'{"token": "x", "expires_in": "60"}',
                b'{"token": null, "expires_in": 60}',
            ),
        )
        await self.kept()
        self.assertEqual((self.seen, self.refused), (["token-1"], []))

    async def test_redirected(self) -> None:
        """The key goes to the one URL alone, whatever that redirects to."""
        await self.start()
        example: dict[str, Any] = {"__name__": "example"}
        exec(compile(EXAMPLE.read_text("utf-8"), str(EXAMPLE), "exec"), example)
        self.tokens.status = 303
        address = f"http://127.0.0.1:{self.server.port}/token"
        kept = example["Tokens"](address, "a key")
        error = await self.failure_of(Deferred.fromCoroutine(kept.fresh()))
        self.assertEqual(str(error), "no token: HTTP 303")
        self.assertEqual(self.tokens.keys, [(b"/token", "Bearer a key")])

    async def test_given_up(self) -> None:
        """After three refusals the attempts end."""
        await self.start()
        self.good = lambda token: False
        fresh_token = self.piece("a token before each attempt")["fresh_token"]
        client = self.piece("three times at most", fresh_token=fresh_token)["client"]
        client.startService()
        with self.assertRaises(HandshakeRefused):
            await client.when_connected()
        self.assertEqual(self.refused, ["token-1", "token-2", "token-3"])
        self.assertIsNone(client.get_state("next_attempt_in"))

    async def test_topic(self) -> None:
        """A topic's token is asked for before each join."""
        await self.start()
        names = self.piece("a token before each attempt")
        names = self.piece("a token for a topic", **names)
        names["client"].startService()
        await names["channel"].join()
        self.assertEqual(self.joins, [{"token": "token-2"}])

    async def test_options(self) -> None:
        """Params and headers may be such functions as well."""
        server = await self.start()

        async def fresh() -> dict[str, str]:
            response = await treq.post(f"http://127.0.0.1:{server.port}/token")
            return {"x-token": (await response.json())["token"]}

        client = self.client(server.url, params=fresh, headers=fresh)
        await client.when_connected()
        (socket,) = self.sockets
        found = {socket.params["x-token"], socket.headers["x-token"]}
        self.assertEqual(found, {"token-1", "token-2"})

    async def test_asyncio(self) -> None:
        """The program for asyncio connects with a token."""
        server = await self.start()
        text = captioned(PAGE, "asyncio")
        path = Path(self.mktemp()).absolute()
        path.write_text(text.replace("localhost:4000", f"127.0.0.1:{server.port}"))
        program = start_program(self, str(path))
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        self.assertEqual(program.out.text, "connected\n")
        self.assertEqual(self.seen, ["token-1"])


def partial_garbage(made: Any, *answers: bytes) -> Any:
    """An ``__init__`` of tokens that answers this before them."""

    def init(self: Any) -> None:
        made(self)
        self.garbage = [*answers]

    return init


def partial_life(made: Any, life: int) -> Any:
    """An ``__init__`` of tokens that are good for so long."""

    def init(self: Any) -> None:
        made(self)
        self.life = life

    return init


class FailureTests(TokenCase):
    """What the page says of functions that fail."""

    def setUp(self) -> None:
        """Read the page."""
        super().setUp()
        self.page = (DOCS / f"{PAGE}.rst").read_text("utf-8")

    async def attempt(self, **options: Any) -> Exception:
        """The error of an attempt; the page's function is asked."""
        fresh_token = self.piece("a token before each attempt")["fresh_token"]
        options = {"auth_token": fresh_token, "reconnect": False, **options}
        client = self.client(self.server.url, **options)
        return await self.failure_of(client.when_connected())

    async def test_raises(self) -> None:
        """An endpoint that refuses fails the attempt; the next one asks again."""
        await self.start()
        self.tokens.status = 503

        def ask() -> str:
            raise RuntimeError("t0p")

        error = await self.attempt(auth_token=ask)
        self.assertIs(type(error), ConnectionFailed)
        self.assertIn("auth_token raised RuntimeError", str(error))
        self.assertIn("ConnectionFailed: auth_token raised RuntimeError", self.page)
        self.assertNotIn("t0p", str(error))
        self.assertEqual(str(error.__cause__), "t0p")

        told = []
        client = self.piece("a token before each attempt")["client"]

        def recover(error: Exception) -> None:
            told.append(str(error))
            self.tokens.status = 200

        client.on_error(recover)
        client.startService()
        await client.when_connected()
        self.assertEqual(len(told), 1)
        self.assertEqual(self.seen, ["token-2"])

    async def test_hangs(self) -> None:
        """An endpoint that does not answer fails it in time, and is left alone."""
        await self.start()
        self.tokens.hanging = []
        error = await self.attempt(connect_timeout=0.3)
        said = "still waiting for what the callable of auth_token returns"
        self.assertIn(said, str(error))
        self.assertIn(f"``{said}``", self.page)
        # The request was cancelled: its connection is gone.
        (request,) = self.tokens.hanging
        gone: Deferred[None] = request.notifyFinish()
        await gone.addErrback(lambda failure: None)

    async def test_no_token(self) -> None:
        """What is no token is an error that says so."""
        await self.start()
        error = await self.attempt(auth_token=lambda: {"token": "x"})
        self.assertIsInstance(error, ConfigurationError)
        self.assertIn("auth_token must be a str", str(error))


class ExampleTests(NetworkTestCase):
    """``examples/treq_token.py``."""

    skip = NOT_THERE if NOT_THERE or EXAMPLE.exists() else "without its examples"

    async def test_example(self) -> None:
        """It prints what the page says."""
        program = start_program(self, str(EXAMPLE))
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        (shown,) = blocks(PAGE, "text")
        self.assertEqual(program.out.text, shown.text.strip("\n") + "\n")
