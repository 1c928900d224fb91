"""An outbox: pushes that survive a crash of the process, each of which counts once.

Run it; it starts a program that it kills again and again::

    python examples/outbox.py

You see that nothing is lost, and that no order counts twice::

    killed before it hears of order 8
    killed before it hears of order 17
    sold 40

A push is in memory, and gone when the process is killed.
Here each is a row of an SQLite database before it is sent, written in the transaction
of what it tells of, so that there are both or neither.
Until the server has answered it is sent again, after a timeout, a loss, a restart: the
server has it *at least once*, in order.
It has an id of its own, the same every time, by which the server knows what it has had:
so it takes effect *exactly once*.
An error is the server's last word too: the row stays, with what it said, and rests.

``Outbox`` and what is before it are yours to copy; the rest is a demonstration.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
from operator import methodcaller
from uuid import uuid4

from twisted.application.service import Service
from twisted.enterprise.adbapi import ConnectionPool
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater, react
from twisted.logger import Logger

from txphoenix import Channel, SocketClient, errors
from txphoenix.testing import PhoenixServer, ServerChannel, error, ok

log = Logger("outbox")

# A commit is on the disk when it returns: it survives the loss of power as well.
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL, event TEXT NOT NULL, payload TEXT NOT NULL, refused TEXT);
CREATE INDEX IF NOT EXISTS waiting ON outbox (topic, number) WHERE refused IS NULL;
"""
PREPARE = methodcaller("executescript", SCHEMA)
WAITING = "FROM outbox WHERE topic = ? AND refused IS NULL"

# After these a push is sent again; after the second kind with the next join.
PASSING = (errors.PushTimeout, errors.PushInterrupted, errors.BufferFull)
ENDINGS = (errors.ChannelClosed, errors.NotConnected, errors.ConnectionFailed)

# Seconds: after an error of the database, and the most that an answer is waited for.
PAUSE, LONGEST = 5.0, 300.0


class OutboxFull(Exception):
    """So many pushes wait that no more are taken; this one was not."""


def is_final(reason):
    """Whether a push that has failed so would fail however often it is sent."""
    # This is what a server says which does not hold the channel joined.
    unmatched = getattr(reason, "reason", None) == "unmatched topic"
    return not (unmatched or isinstance(reason, (*PASSING, *ENDINGS, CancelledError)))


def hold_back(failure, pushes, number):
    """Take back those behind a push that could not be sent: none overtakes it."""
    if failure.check(errors.PushTimeout) and not failure.value.was_sent:
        for later in pushes[number:]:
            later.cancel()
    return failure


class OutboxChannel(Channel):
    """The channel whose pushes are in an outbox."""

    restart = "permanent"
    outbox = None

    def handle_join(self, response):
        """Send what waits."""
        self.outbox.wake()


class Outbox(Service):
    """The pushes of one topic, and what sends them; one process has the database.

    It takes pushes while it is running.

    :param path: the database.
    :param limit: how many pushes may wait.
    :param batch: how many are under way at once; the next are sent when each of them
        is answered, and before that those that were not, again.
    :param timeout: for how many seconds an answer is waited for.
    """

    def __init__(self, path, topic, limit=10_000, batch=16, timeout=5.0):
        self.path, self.topic, self.limit = path, topic, limit
        self.batch, self.timeout = batch, timeout
        self.pool = self._channel = self._sending = None
        self._is_due, self._until_empty = False, []

    def startService(self):
        """Start, and send what is there."""
        super().startService()
        # A pool of one thread does one thing after the other.
        self.pool = ConnectionPool(
            "sqlite3", self.path, check_same_thread=False, cp_max=1, cp_openfun=PREPARE
        )
        self.wake()

    def make_channel(self, *args):
        """Make the channel: this is for ``topic_channel_map``."""
        self._channel = OutboxChannel(*args)
        self._channel.outbox = self
        return self._channel

    async def put(self, event, payload):
        """Put a push in the outbox, and return its id once it is on the disk.

        :param payload: a mapping; the id is added to it.
        :raises OutboxFull: too many wait.
        """
        if not self.running:
            raise RuntimeError("the outbox is not running")
        push_id = await self.pool.runInteraction(self.add, event, payload)
        self.wake()
        return push_id

    def add(self, transaction, event, payload):
        """Do the same in a transaction of yours; call :meth:`wake` after its commit."""
        transaction.execute(f"SELECT count(*) {WAITING}", (self.topic,))
        if transaction.fetchone()[0] >= self.limit:
            raise OutboxFull(f"{self.limit} pushes to {self.topic} wait, the limit")
        push_id = str(uuid4())
        transaction.execute(
            "INSERT INTO outbox (id, topic, event, payload) VALUES (?, ?, ?, ?)",
            (push_id, self.topic, event, json.dumps({**payload, "id": push_id})),
        )
        return push_id

    def when_empty(self):
        """Wait until each push has been answered."""
        self._until_empty.append(empty := Deferred())
        self.wake()
        return empty

    def wake(self):
        """Send what waits, unless that is under way."""
        self._is_due = True
        if self._channel is not None and self._sending is None and self.running:
            self._sending = Deferred.fromCoroutine(self._send(self._channel))
            self._sending.addBoth(self._stopped)

    async def _send(self, channel):
        while self.running and self._is_due:
            try:
                await self._send_all(channel)
            except (CancelledError, *ENDINGS):
                # The next start, or the next join, goes on.
                return
            except Exception:
                log.failure("the database: again in {pause:g} seconds", pause=PAUSE)
                self._is_due = True
                await deferLater(reactor, PAUSE)

    async def _send_all(self, channel):
        self._is_due, patience = False, self.timeout
        oldest = f"SELECT number, event, payload {WAITING} ORDER BY number LIMIT ?"
        # What was not answered is among the oldest again, and so the order is kept.
        while rows := await self.pool.runQuery(oldest, (self.topic, self.batch)):
            await channel.when_writable()
            pushes = []
            for _, event, text in rows:
                pushes.append(channel.push(event, json.loads(text), patience))
                pushes[-1].addErrback(hold_back, pushes, len(pushes))
            answers = await DeferredList(pushes, consumeErrors=True)
            await self.pool.runInteraction(self.settle, rows, answers)
            if not self.running:
                return
            answered, answer = answers[0]
            if not answered and answer.check(errors.PushTimeout):
                # It may still be at work on what came before, and to send that again
                # as soon would only give it more to do.
                patience = min(2 * patience, LONGEST)
        while self._until_empty and not self._is_due:
            self._until_empty.pop(0).callback(None)

    def settle(self, transaction, rows, answers):
        """Write down what has become of a batch; what was not answered stays."""
        for (number, *_), (succeeded, answer) in zip(rows, answers, strict=True):
            if succeeded:
                transaction.execute("DELETE FROM outbox WHERE number = ?", (number,))
            elif is_final(answer.value):
                refuse = "UPDATE outbox SET refused = ? WHERE number = ?"
                transaction.execute(refuse, (str(answer.value), number))

    def _stopped(self, _):
        self._sending = None

    def stopService(self):
        """Stop; what was not answered stays for the next start."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self):
        if (sending := self._sending) is not None:
            sending.cancel()
            await sending
        # What was begun before this is done then.
        await DeferredList([self.pool.runQuery("SELECT 1")], consumeErrors=True)
        self.pool.close()
        while self._until_empty:
            self._until_empty.pop().cancel()


async def sell(reactor, url, path, count):
    """Sell so many things, and tell the server of each: the program that is killed."""
    outbox = Outbox(path, "orders", batch=8)
    client = SocketClient(
        url, topic_channel_map={"orders": outbox.make_channel}, join_channels=["orders"]
    )
    outbox.startService()
    client.startService()
    await outbox.pool.runOperation("CREATE TABLE IF NOT EXISTS sold (number INTEGER)")
    while await outbox.pool.runInteraction(sell_one, outbox, int(count)):
        outbox.wake()
    print("sold", count, flush=True)
    await outbox.when_empty()
    for row in await outbox.pool.runQuery("SELECT payload, refused FROM outbox"):
        print(*row, flush=True)
    await client.stopService()
    await outbox.stopService()


def sell_one(transaction, outbox, count):
    """Sell one more, if there is one; the sale and its push are one transaction."""
    sold = transaction.execute("SELECT count(*) FROM sold").fetchone()[0]
    if sold < count:
        transaction.execute("INSERT INTO sold VALUES (?)", (sold,))
        outbox.add(transaction, "order", {"number": sold})
    return sold < count


class Orders(ServerChannel):
    """The server's side: an order and its id are one row, and an id is there once."""

    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, number INTEGER)")
    received = 0

    def handle_in(self, event, payload):
        """Take an order; the second time the answer is the same, and all there is."""
        Orders.received += 1
        if payload["number"] == 13:
            return error({"reason": "nobody wants a thirteenth"})
        row = (payload["id"], payload["number"])
        self.database.execute("INSERT OR IGNORE INTO orders VALUES (?, ?)", row)
        return ok()


async def demonstrate(reactor):
    """Start the program five times, and kill it four, with an order unanswered."""

    class Killing(Orders):
        kills = [8, 17, 26, 35]

        def handle_in(self, event, payload):
            answer = super().handle_in(event, payload)
            if payload["number"] in self.kills:
                print("killed before it hears of order", self.kills.pop(0), flush=True)
                program.transport.signalProcess("KILL")
            return answer

    def interrupt():
        """End the program, and start no other, before its folder goes."""
        list(starts)
        if not ended.called:
            program.transport.signalProcess("KILL")
        return ended

    starts = iter(range(5))
    server = await PhoenixServer({"orders": Killing}).start()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "outbox.sqlite")
        args = [sys.executable, __file__, server.url, path, "40"]
        reactor.addSystemEventTrigger("before", "shutdown", interrupt)
        for _ in starts:
            program, ended = ProcessProtocol(), Deferred()
            program.processEnded = ended.callback
            fds = {0: 0, 1: 1, 2: 2}
            reactor.spawnProcess(program, args[0], args, os.environ, childFDs=fds)
            await ended.addErrback(lambda failure: None)
    await server.stop()
    numbers = [n for (n,) in Orders.database.execute("SELECT number FROM orders")]
    print(Orders.received, "pushes came, and these orders count:", *numbers)


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(print(__doc__))
    react(sell if sys.argv[1:] else demonstrate, sys.argv[1:])
