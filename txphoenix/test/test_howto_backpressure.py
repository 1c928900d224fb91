"""What the page about backpressure shows works as it is printed, and holds."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, FirstError, succeed

from txphoenix import Channel, SocketClient
from txphoenix.errors import BufferFull, PushError, PushTimeout
from txphoenix.testing import PhoenixServer, ServerChannel, error, ok

from .network import TOPIC, NetworkTestCase
from .test_howtos import DOCS, NOT_THERE, captioned

PAGE = "howto-backpressure"
COUNT = 5000
FILL = "x" * 2000


class Taking(ServerChannel):
    """Takes what it is pushed, one after the other, and answers when it is told to.

    :cvar taken: the bodies, in the order in which they came.
    :cvar ids: the ids beside them.
    :cvar answer: is waited for with each.
    """

    taken: list[Any]
    ids: list[Any]
    answer: Deferred[Any]

    def handle_in(self, event: str, payload: Any) -> Any:
        """Take it."""
        self.taken.append(payload["body"])
        self.ids.append(payload.get("id"))
        return ok() if self.answer.called else self.answer


class PageCase(NetworkTestCase):
    """A server, a channel, and the pieces of the page."""

    skip = NOT_THERE
    timeout = 120

    def piece(self, *captions: str, **names: Any) -> dict[str, Any]:
        """Run a piece of the page, or several together; their names."""
        for caption in captions:
            exec(compile(captioned(PAGE, caption), caption, "exec"), names)
        return names

    async def turns(self) -> None:
        """Give what should not happen the time to happen."""
        for _ in range(200):
            await self.sleep(0)

    async def start(self, **options: Any) -> Channel:
        """Start a server that takes pushes, and join."""

        class Fresh(Taking):
            taken: list[Any] = []
            ids: list[Any] = []
            answer: Deferred[Any] = succeed(ok())

        self.taking = Fresh
        self.server: PhoenixServer = await self.serve(channels={"rooms:*": Fresh})
        self.proxy = await self.stand_between(self.server, receive_buffer=65536)
        url = self.proxy.url(self.server.url)
        self.tested: SocketClient = self.client(url, **options)
        _, channel = await self.tested.join(TOPIC)
        return channel


class ReaderTests(PageCase):
    """Slow readers."""

    def broadcast(self, count: int = COUNT) -> None:
        """Have the server send numbers."""
        for number in range(count):
            self.server.broadcast(TOPIC, "news", {"number": number, "fill": FILL})

    async def test_workers(self) -> None:
        """So many work at a time; the queue stays bounded, and nothing is lost."""
        channel = await self.start(receive_buffer=20)
        came: list[Any] = []
        self.tested.on_message(came.append)
        waiting: list[Deferred[None]] = []
        begun: list[int] = []
        is_slow = True

        async def handle(message: Any) -> None:
            begun.append(message.payload["number"])
            if message.payload["number"] == 50:
                raise ValueError
            if is_slow:
                waiting.append(pause := Deferred[None]())
                await pause

        work_all = self.piece("workers")["work_all"]
        working = work_all(channel, handle)
        self.broadcast()
        await self.until(lambda: self.tested.buffers().unread.size == 20)
        # Ten megabytes are on their way, and no more than this has come.
        await self.turns()
        self.assertEqual(begun, [0, 1, 2, 3])
        self.assertEqual(self.tested.buffers().unread.size, 20)
        self.assertLess(len(came), 100)
        is_slow = False
        for pause in waiting:
            pause.callback(None)
        await self.until(lambda: len(begun) == COUNT)
        self.assertEqual(begun, [*range(COUNT)])
        self.assertEqual(channel.dropped_messages, 0)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        await channel.leave()
        await working

    async def test_given_up(self) -> None:
        """A reader that takes nothing for too long is not waited for; the oldest go."""
        patience = {"heartbeat_interval": 0.2, "heartbeat_timeout": 0.2}
        channel = await self.start(receive_buffer=20, **patience)
        begun: list[int] = []
        pause: Deferred[None] = Deferred()

        async def handle(message: Any) -> None:
            begun.append(message.payload["number"])
            await pause

        working = self.piece("workers")["work_all"](channel, handle, workers=1)
        self.broadcast(100)
        await self.until(lambda: channel.dropped_messages == 79)
        pause.callback(None)
        await self.until(lambda: len(begun) == 21)
        self.assertEqual(begun, [0, *range(80, 100)])
        await channel.leave()
        await working

    async def test_hooks(self) -> None:
        """Hooks hold nothing back: each message begins another."""
        channel = await self.start(receive_buffer=20)
        begun: list[int] = []

        async def hook(payload: Any) -> None:
            begun.append(payload["number"])
            await Deferred()

        channel.on("news", hook)
        self.broadcast(200)
        await self.until(lambda: len(begun) == 200)


class ProducerTests(PageCase):
    """Fast producers."""

    async def test_without_replies(self) -> None:
        """The loop rests while the server reads nothing, and all comes in order."""
        limit = 100_000
        channel = await self.start(write_buffer=limit)
        self.proxy.to_server.stall()
        made = 0

        def items() -> Any:
            nonlocal made
            for made in range(1, COUNT + 1):
                yield f"{made} {FILL}"

        producing = Deferred.fromCoroutine(
            self.piece("without replies")["produce"](channel, items())
        )
        await self.until(lambda: self.tested.buffers().unwritten.size >= limit)
        await self.turns()
        self.assertLess(self.tested.buffers().unwritten.size, limit + 2 * len(FILL))
        self.assertLess(made, COUNT)
        with self.assertRaises(BufferFull) as caught:
            channel.push_async("new_msg", {"body": "one too many"})
        self.assertEqual(caught.exception.buffer, "write_buffer")
        self.proxy.to_server.release()
        await producing
        await self.until(lambda: len(self.taking.taken) == COUNT)
        numbers = [int(body.partition(" ")[0]) for body in self.taking.taken]
        self.assertEqual(numbers, [*range(1, COUNT + 1)])

    async def test_outage(self) -> None:
        """The loop rests during an outage, and goes on when the channel has joined."""
        channel = await self.start()
        produce = self.piece("without replies")["produce"]
        await self.proxy.refuse()
        lost = self.next_call(self.tested.on_close)
        self.proxy.cut()
        await lost
        producing = Deferred.fromCoroutine(produce(channel, range(5000)))
        await self.turns()
        self.assertEqual(self.tested.buffers().kept_pushes.size, 0)
        await self.proxy.start()
        await producing
        await self.until(lambda: len(self.taking.taken) == 5000)
        self.assertEqual(self.taking.taken, [*range(5000)])

    async def test_with_replies(self) -> None:
        """No more are outstanding than were asked for."""
        channel = await self.start()
        answer: Deferred[Any] = Deferred()
        self.taking.answer = answer
        pushing = self.piece("with replies")["push_all"](channel, range(100))
        await self.until(lambda: self.taking.taken)
        await self.turns()
        self.assertEqual(self.tested.buffers().awaiting_reply.size, 16)
        answer.callback(ok())
        await pushing
        self.assertEqual(self.taking.taken, [*range(100)])

    async def test_again(self) -> None:
        """What a lost connection left unanswered comes again, with the same ids."""
        channel = await self.start(backoff=lambda failures: 0.01)
        answer: Deferred[Any] = Deferred()
        self.taking.answer = answer
        names = self.piece("with replies", "again until it is answered")
        pushing = names["push_all"](channel, range(100))
        await self.until(lambda: self.taking.taken)
        await self.until(lambda: self.tested.buffers().awaiting_reply.size == 16)
        lost = self.next_call(self.tested.on_close)
        self.proxy.cut()
        await lost
        answer.callback(ok())
        await pushing
        ids, taken = self.taking.ids, self.taking.taken
        self.assertEqual(ids.count(ids[0]), 2)
        self.assertEqual(len(set(ids)), 100)
        self.assertEqual(len({*zip(ids, taken, strict=True)}), 100)
        self.assertEqual({*taken}, {*range(100)})

    async def test_refused(self) -> None:
        """An error is an answer: nothing is sent again."""
        channel = await self.start()
        answer: Deferred[Any] = Deferred()
        self.taking.answer = answer
        names = self.piece("with replies", "again until it is answered")
        pushing = names["push_all"](channel, range(100), outstanding=1)
        await self.until(lambda: self.taking.taken)
        answer.callback(error())
        with self.assertRaises(FirstError) as caught:
            await pushing
        self.assertIsInstance(caught.exception.subFailure.value, PushError)
        self.assertEqual(self.taking.taken, [0])


class LimitTests(PageCase):
    """What is kept, what is refused, and what says so."""

    async def go_offline(self) -> None:
        """Lose the connection for good."""
        await self.proxy.refuse()
        lost = self.next_call(self.tested.on_close)
        self.proxy.cut()
        await lost

    async def test_kept(self) -> None:
        """What is kept for longer than its time fails, and was not sent."""
        channel = await self.start(push_buffer=1)
        await self.go_offline()
        kept = channel.push("new_msg", {"body": 1}, timeout=0.1)
        error: Any = await self.failure_of(channel.push("new_msg", {"body": 2}))
        self.assertIsInstance(error, BufferFull)
        self.assertEqual(error.buffer, "push_buffer")
        error = await self.failure_of(kept)
        self.assertIsInstance(error, PushTimeout)
        self.assertFalse(error.was_sent)

    async def test_none_kept(self) -> None:
        """With a buffer of none, each push without a joined channel fails at once."""
        channel = await self.start(push_buffer=0)
        await self.go_offline()
        error = await self.failure_of(channel.push("new_msg", {"body": 1}))
        self.assertIsInstance(error, BufferFull)

    async def test_measures(self) -> None:
        """The piece about measures prints them, and the table has each buffer."""
        channel = await self.start()
        printed: list[str] = []
        self.piece(
            "how full they are",
            client=self.tested,
            channel=channel,
            print=lambda *words: printed.append(" ".join(map(str, words))),
        )
        self.assertEqual(
            printed, ["unread: 0 of 1000", "unwritten: 0 bytes", "dropped: 0"]
        )
        page = (DOCS / f"{PAGE}.rst").read_text("utf-8")
        buffers = self.tested.buffers()
        for name in buffers._fields:
            if name != "waiting_joins":
                self.assertIn(f"\n``{name}``", page)
        for name in ("receive_buffer", "push_buffer", "send_buffer", "write_buffer"):
            self.assertIn(f"``{name}``,", page)
