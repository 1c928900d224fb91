"""Tests over real TCP and TLS of servers that vanish without a word.

What stands between stays connected and says nothing more, in either direction; the
system goes on taking what is sent.
"""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import deferLater

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionClosed, HeartbeatTimeout
from txphoenix.testing import FaultProxy, ServerChannel, ok
from txphoenix.testing.tls import self_signed

from .network import TOPIC, NetworkTestCase, OwnTime

# Of long-poll: shorter than a heartbeat's interval, so that the limit of a poll is the
# interval and the timeout.
WINDOW = 0.3
INTERVAL, TIMEOUT = 0.4, 0.3


class Writer(ServerChannel):
    """Writes as much as it is asked for."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Write so many messages of so many bytes, then answer."""
        if event == "write":
            for _ in range(payload["count"]):
                self.push("news", {"body": "x" * payload["size"]})
        return ok({})


class VanishedTestCase(NetworkTestCase):
    """A WebSocket whose server may vanish.

    :cvar is_secure: whether under TLS.
    :cvar options: the client's, besides.
    :cvar large: the bytes of a large message.
    :cvar rate: as many a second make it take twice as long as a silence may last.
    :cvar longer_window: a large message keeps the server at work for a while, in which
        it takes no polls.
    """

    is_secure = False
    options: ClassVar[dict[str, Any]] = {}
    large = 8 * 2**20
    rate = 6_000_000
    longer_window = WINDOW

    async def start(self, window: float = WINDOW) -> None:
        """A client that has joined by way of a proxy."""
        credentials = self_signed() if self.is_secure else None
        self.keep_sessions()
        # The silences are to be the server's, and no machine's that stands still.
        self.time: Any = OwnTime()
        self.addCleanup(self.time.begin().stop)
        self.server = await self.serve(
            reactor=self.time,
            channels={"rooms:*": Writer},
            tls=credentials and credentials.server,
            longpoll_window=window,
            longpoll_pubsub_timeout=0.1,
        )
        self.proxy: FaultProxy = await self.stand_between(self.server, 2**16, self.time)
        options = dict(self.options)
        if credentials is not None:
            options["tls"] = optionsForClientTLS(
                "127.0.0.1", trustRoot=credentials.trust_root
            )
        self.made: SocketClient = self.client(
            self.proxy.url(self.server.url),
            reactor=self.time,
            heartbeat_interval=INTERVAL,
            heartbeat_timeout=TIMEOUT,
            timeout=25.0,
            reconnect=False,
            **options,
        )
        self.lost: list[Exception] = []
        self.made.on_close(self.lost.append)
        _, room = await self.made.join(TOPIC)
        self.room: Channel = room
        self.connection: Any = self.made.connection
        self.transport: Any = self.connection.link.transport
        await self.until(self.knows_the_window)

    def knows_the_window(self) -> bool:
        """Whether a poll's limit is what the options say."""
        return True

    def vanish(self) -> None:
        """The server is gone."""
        self.proxy.to_server.stall()
        self.proxy.to_client.hold()

    async def assert_found(self) -> None:
        """The connection is given up, and nothing is left of it."""
        await self.until(lambda: self.lost)
        self.assert_reason(self.lost[0])
        await self.made.stopService()
        # Its side of the session would wait for a poll.
        self.server.drop()
        await self.proxy.stop()
        await self.assert_nothing_held()

    def assert_reason(self, reason: Exception) -> None:
        """It was given up for its silence."""
        self.assertIsInstance(reason, HeartbeatTimeout)

    def assert_alive(self) -> None:
        """It is still there."""
        self.assertEqual(self.lost, [])

    async def rounds(self) -> None:
        """As long as two silences take that would be too long."""
        for _ in range(2):
            await self.pass_time(INTERVAL + TIMEOUT)
            self.assert_alive()

    async def pass_time(self, seconds: float) -> None:
        """Let the client's time pass, and the server's."""
        await deferLater(self.time, seconds)


class VanishedTests(VanishedTestCase):
    """It vanishes, reading or not, and is not taken for gone before."""

    async def test_vanished(self) -> None:
        """It is found."""
        await self.start()
        self.vanish()
        await self.assert_found()

    async def test_unread(self) -> None:
        """It is found while messages wait that are not read."""
        await self.start()
        heard: list[Any] = []
        self.room.on("news", heard.append)
        self.connection.pause_reading()
        self.room.push("write", {"count": 10, "size": 100}).addErrback(lambda _: None)
        await self.rounds()
        self.assertEqual(heard, [])
        self.vanish()
        await self.assert_found()

    async def test_large_push(self) -> None:
        """One that is at work on a large push is not taken for gone."""
        await self.start(self.longer_window)
        self.proxy.to_server.rate = self.rate
        self.assertEqual(await self.room.push("put", {"body": "x" * self.large}), {})
        self.assert_alive()


class PausedTests(VanishedTestCase):
    """Whatever is known of a server while reading is paused."""

    async def test_paused(self) -> None:
        """It is found while reading is paused, and was not as long as it was there."""
        await self.start()
        self.connection.pause_reading()
        await self.rounds()
        self.vanish()
        await self.assert_found()

    async def test_unread_before(self) -> None:
        """So it is where messages had come before the pause began."""
        await self.start()

        def pause(_payload: Any) -> None:
            self.connection.pause_reading()

        self.room.on("news", pause)
        self.room.push("write", {"count": 10, "size": 100}).addErrback(lambda _: None)
        await self.next_call(self.made.on_message)
        await self.until(lambda: self.transport._is_paused)
        await self.rounds()
        self.vanish()
        await self.assert_found()

    async def test_full(self) -> None:
        """A server that is made to wait is not taken for gone, and nothing is lost."""
        await self.start()
        heard: list[Any] = []
        self.room.on("news", heard.append)
        self.connection.pause_reading()
        written = self.room.push("write", {"count": 100, "size": 100_000})
        await self.rounds()
        self.connection.resume_reading()
        await written
        self.assertEqual(len(heard), 100)
        self.assert_alive()

    async def test_pauses(self) -> None:
        """A reader that pauses time and again keeps its connection."""
        await self.start()
        for _ in range(30):
            self.connection.pause_reading()
            await self.pass_time(0.05)
            self.connection.resume_reading()
            await self.pass_time(0.01)
        self.assert_alive()
        self.vanish()
        await self.assert_found()

    async def test_large_message(self) -> None:
        """Nor is one whose large message is on its way."""
        await self.start(self.longer_window)
        self.proxy.to_client.rate = self.rate
        heard = self.next_call(lambda hook: self.room.on("news", hook))
        written = self.room.push("write", {"count": 1, "size": self.large})
        self.assertEqual(len((await heard)["body"]), self.large)
        await written
        self.assert_alive()


class SecureTests(VanishedTests):
    """The same under our own TLS."""

    is_secure = True


class StockTLSTests(SecureTests):
    """The same under Twisted's."""

    options: ClassVar[dict[str, Any]] = {"fast_tls": False}


class LongPollTestCase(VanishedTestCase):
    """A session of long-poll whose server may vanish."""

    options: ClassVar[dict[str, Any]] = {"transport": "longpoll"}
    # As much as Phoenix takes with one request.
    large = 7_900_000
    rate = 2_200_000
    longer_window = 1.5

    def knows_the_window(self) -> bool:
        """Whether a poll has been answered after the whole of it."""
        return self.transport._pace._shown is not None

    def assert_reason(self, reason: Exception) -> None:
        """No poll was answered."""
        assert isinstance(reason, ConnectionClosed)
        # A busy machine has the window seem longer than it is.
        limit = self.transport._pace.longest(INTERVAL, TIMEOUT)
        self.assertLess(limit, 10)
        text = f"no answer within {limit:g} s"
        self.assertEqual((reason.code, reason.reason), (1006, text))


class LongPollTests(LongPollTestCase, VanishedTests):
    """A session of long-poll whose server vanishes."""


class LongPollPausedTests(LongPollTestCase, PausedTests):
    """The same of long-poll."""


class SecureLongPollTests(LongPollTests):
    """The same under TLS."""

    is_secure = True


class TreqTests(LongPollTests):
    """The same by treq."""

    options: ClassVar[dict[str, Any]] = {"transport": "longpoll", "fast_http": False}
