"""``examples/outbox.py`` keeps its promises while its process lives.

What it does when that is killed is in :mod:`.test_example_outbox_killed`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from txphoenix import SocketClient
from txphoenix.protocol.backoff import steps
from txphoenix.test.network import reactor
from txphoenix.test.outbox_case import OutboxCase
from txphoenix.testing import PhoenixServer, ServerChannel, error, ok


class InProcessTests(OutboxCase):
    """The outbox in this process."""

    async def outbox(
        self, server: PhoenixServer, **options: Any
    ) -> tuple[Any, SocketClient]:
        """An outbox, and the client that sends what is in it."""
        outbox = self.example.Outbox(self.path, "orders", **options)
        client = SocketClient(
            server.url,
            topic_channel_map={"orders": outbox.make_channel},
            join_channels=["orders"],
            backoff=steps([0.02]),
            rejoin_backoff=steps([0.02]),
        )

        def stop() -> Any:
            return outbox.stopService() if outbox.running else None

        self.addCleanup(stop)
        self.addCleanup(client.stopService)
        outbox.startService()
        client.startService()
        return outbox, client

    async def put(self, outbox: Any, *numbers: int) -> None:
        """Put orders."""
        for number in numbers:
            await outbox.put("order", {"number": number})

    async def test_put(self) -> None:
        """What is put has the id that was told, and is gone once it is answered."""
        ids = []
        server = await self.phoenix_server({"orders": self.example.Orders})
        outbox, _ = await self.outbox(server)
        for number in range(3):
            ids.append(await outbox.put("order", {"number": number}))
        await outbox.when_empty()
        rows = self.example.Orders.database.execute("SELECT * FROM orders").fetchall()
        self.assertEqual(rows, list(zip(ids, range(3), strict=True)))
        self.assertEqual(self.rows("*"), [])

    async def test_refused(self) -> None:
        """An error is final: the push stays, with the reason; those behind it go on."""
        server = await self.serve()
        outbox, client = await self.outbox(server, batch=1)
        await self.put(outbox, 12, 13, 14)
        await outbox.when_empty()
        self.assertEqual(self.applied, [12, 14])
        ((payload, refused),) = self.rows("payload, refused")
        self.assertIn('"number": 13', payload)
        self.assertIn("nobody wants a thirteenth", refused)
        await client.stopService()
        await outbox.stopService()
        outbox, _ = await self.outbox(server)
        await outbox.when_empty()
        self.assertEqual(self.received, [12, 13, 14])

    async def test_never_sendable(self) -> None:
        """What cannot be sent at all is kept with the reason, and holds up nothing."""
        server = await self.serve()
        outbox, client = await self.outbox(server)
        await client.reconfigure(max_message_size=1000)
        await outbox.put("order", {"number": 0, "note": "x" * 2000})
        await outbox.put("phx_leave", {})
        await self.put(outbox, 1)
        await outbox.when_empty()
        self.assertEqual(self.applied, [1])
        (too_large,), (reserved,) = self.rows("refused")
        self.assertIn("exceeds the limit of 1000", too_large)
        self.assertIn("phx_leave", reserved)

    async def test_no_answer(self) -> None:
        """A timeout is not final: the push comes again, and before those behind it."""
        server = await self.serve(
            before=lambda number: (
                Deferred() if number == 1 and self.received.count(1) == 1 else None
            )
        )
        outbox, _ = await self.outbox(server, timeout=0.1)
        await self.put(outbox, 1, 2)
        kinds: list[str] = []
        settle = outbox.settle

        def settle_and_tell(transaction: Any, rows: Any, answers: Any) -> None:
            kinds.extend(type(it.value).__name__ for ok, it in answers if not ok)
            settle(transaction, rows, answers)
            # The channel on the server hangs.
            reactor.callFromThread(server.kill_channel, "orders")

        outbox.settle = settle_and_tell
        await outbox.when_empty()
        self.assertIn("PushTimeout", kinds)
        self.assertEqual(self.applied, [1, 2])

    async def test_unmatched_topic(self) -> None:
        """Nor is "unmatched topic", by which a server says that it has no channel."""
        server = await self.serve(
            before=lambda number: (
                error({"reason": "unmatched topic"})
                if len(self.received) == 1
                else None
            )
        )
        outbox, _ = await self.outbox(server, batch=1)
        await self.put(outbox, 0, 1)
        await outbox.when_empty()
        self.assertEqual(self.received, [0, 0, 1])
        self.assertEqual(self.applied, [0, 1])

    async def test_channel_ends(self) -> None:
        """Nor is the end of the channel, by a crash or by a close of the server's."""

        class Ending(ServerChannel):
            ends = ["crash", "close"]

            def handle_in(self, event: str, payload: Any) -> Any:
                end = self.ends.pop(0) if self.ends else ""
                if end == "crash":
                    self.endpoint.kill_channel("orders")
                elif end == "close":
                    self.stop()
                return ok() if not end else None

        server = await self.phoenix_server({"orders": Ending})
        outbox, _ = await self.outbox(server)
        await self.put(outbox, 0, 1)
        await outbox.when_empty()
        self.assertEqual((Ending.ends, self.rows("*")), ([], []))

    async def test_limit(self) -> None:
        """Beyond the limit a put fails and says so; what was answered makes room."""
        answer: Deferred[Any] = Deferred()

        def hold(number: int) -> Any:
            return None if answer.called else answer

        server = await self.serve(before=hold)
        outbox, _ = await self.outbox(server, limit=3)
        await self.put(outbox, 0, 1, 2)
        with self.assertRaises(self.example.OutboxFull) as caught:
            await self.put(outbox, 3)
        said = str(caught.exception)
        self.assertEqual(said, "3 pushes to orders wait, the limit")
        self.assertEqual(len(self.rows("*")), 3)
        answer.callback(ok())
        await outbox.when_empty()
        await self.put(outbox, 4)
        await outbox.when_empty()
        self.assertEqual(self.received[-1], 4)

    async def test_batch(self) -> None:
        """No more pushes are under way than a batch has."""
        under_way = []
        server = await self.serve()
        outbox, client = await self.outbox(server, batch=3)
        settle = outbox.settle

        def count(transaction: Any, rows: Any, answers: Any) -> None:
            under_way.append(len(rows))
            settle(transaction, rows, answers)

        outbox.settle = count
        await client.disconnect()
        await self.put(outbox, *range(10))
        client.connect()
        await outbox.when_empty()
        self.assertEqual(under_way, [3, 3, 3, 1])
        self.assertEqual(self.received, list(range(10)))

    async def test_stop(self) -> None:
        """A stop ends it with pushes under way: they stay, and nobody waits on."""
        under_way: Deferred[None] = Deferred()

        def hang(number: int) -> Deferred[Any]:
            if not under_way.called:
                under_way.callback(None)
            return Deferred()

        server = await self.serve(before=hang)
        outbox, client = await self.outbox(server)
        await self.put(outbox, 0, 1)
        empty = outbox.when_empty()
        await under_way
        await outbox.stopService()
        await self.assertFailure(empty, CancelledError)
        self.assertEqual(len(self.rows("*")), 2)
        self.assertEqual(self.rows("refused"), [(None,), (None,)])
        await client.stopService()

    async def test_stop_offline(self) -> None:
        """So it does without a connection."""
        server = await self.serve()
        outbox, client = await self.outbox(server)
        await client.when_connected()
        await server.stop(drain=False)
        await self.put(outbox, 0)
        await outbox.stopService()
        await client.stopService()
        self.assertEqual(len(self.rows("*")), 1)

    async def test_durable(self) -> None:
        """A commit is on the disk: the journal is a WAL, and is synced each time."""
        outbox = self.example.Outbox(self.path, "orders")
        outbox.startService()
        self.addCleanup(outbox.stopService)
        (journal,), (synchronous,) = [
            (await outbox.pool.runQuery(f"PRAGMA {name}"))[0]
            for name in ("journal_mode", "synchronous")
        ]
        self.assertEqual((journal, synchronous), ("wal", 2))
