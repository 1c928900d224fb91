"""The last word counts: every sequence of calls, against a model of what is right.

The model is small on purpose.
A topic has a holder, which is in or leaving, and a queue of objects that wait for the
leave to be done.
Each sequence is tried on a server that answers when the sequence says so, and again on
one that answers after all of it.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import AlreadyJoined, ChannelClosed

from .support import ClientTestCase, Outcome

JOINED = "joined"
LEFT = "left"


class Model:
    """One topic, and what must become of it.

    :param is_sent: whether joins are sent; one that waits for something leaves at once.
    :ivar promised: the outcomes of the Deferreds, in the order of the calls that made
        them; None for one that waits.
    """

    def __init__(self, is_sent: bool = True) -> None:
        self.is_sent = is_sent
        self.holder: str | None = None
        self.is_leaving = False
        self.queue: list[str] = []
        self.promised: list[Any] = []
        # The object's join that waits, and its leaves, as indices of promised.
        self.joins: dict[str, int] = {}
        self.leaves: dict[str, list[int]] = {}
        # The last Deferred of each kind, which is what is cancelled.
        self.last: dict[tuple[str, str], int] = {}

    def do(self, who: str, word: str) -> None:
        """Take one word."""
        getattr(self, word)(who)

    def fire(self, number: int | None, result: Any) -> None:
        """A Deferred fires, unless it has."""
        if number is not None and self.promised[number] is None:
            self.promised[number] = result

    def join(self, who: str) -> None:
        """Have the topic, or wait for it, or be refused."""
        number = len(self.promised)
        self.promised.append(None)
        self.last[who, "join"] = number
        if self.holder is None:
            self.holder = who
            self.joins[who] = number
        elif self.is_leaving and who not in self.queue:
            self.queue.append(who)
            self.joins[who] = number
        else:
            self.fire(number, AlreadyJoined)

    def withdraw(self, who: str, result: Any = ChannelClosed) -> None:
        """Wait no more."""
        if who in self.queue:
            self.queue.remove(who)
            self.fire(self.joins.pop(who), result)

    def leave(self, who: str) -> None:
        """Leave, and wait for nothing any more."""
        number = len(self.promised)
        self.promised.append(None)
        self.last[who, "leave"] = number
        if self.holder != who:
            self.withdraw(who)
            self.fire(number, LEFT)
            return
        self.leaves.setdefault(who, []).append(number)
        if self.is_leaving:
            self.withdraw(who)
        else:
            self.fire(self.joins.pop(who, None), ChannelClosed)
            self.is_leaving = True
            if not self.is_sent:
                self.end()

    def stop(self, who: str) -> None:
        """The same at once."""
        self.withdraw(who)
        if self.holder == who:
            self.fire(self.joins.pop(who, None), ChannelClosed)
            self.end()

    def cancel_join(self, who: str) -> None:
        """Cancel the last join: it leaves, or waits no more."""
        number = self.last.get((who, "join"))
        if number is None or self.promised[number] is not None:
            return
        self.promised[number] = CancelledError
        if who in self.queue:
            self.withdraw(who)
        else:
            del self.joins[who]
            self.end()

    def cancel_leave(self, who: str) -> None:
        """Cancel the last leave, which changes nothing else."""
        number = self.last.get((who, "leave"))
        if number is not None:
            self.fire(number, CancelledError)

    def answer(self, _who: str) -> None:
        """The server answers all that it was sent, and what is sent because of it."""
        while self.holder is not None:
            if self.is_leaving:
                self.end()
            else:
                self.fire(self.joins.pop(self.holder, None), JOINED)
                return

    def end(self) -> None:
        """The holder ends, and the first who waits has the topic."""
        holder, self.holder, self.is_leaving = self.holder, None, False
        for number in self.leaves.pop(holder or "", []):
            self.fire(number, LEFT)
        if self.queue:
            self.holder = self.queue.pop(0)
            for other in list(self.queue):
                self.withdraw(other, AlreadyJoined)

    def state_of(self, who: str) -> str:
        """The state of an object when all is answered."""
        return "joined" if self.holder == who else "closed"


class SequenceTests(ClientTestCase):
    """Every sequence of words."""

    client: SocketClient

    def setUp(self) -> None:
        """Count the topics, so that each sequence has its own."""
        super().setUp()
        self.client = self.connected_client()
        self.number = 0

    def run_sequence(
        self, words: tuple[tuple[str, str], ...], is_sent: bool = True
    ) -> None:
        """Say the words, and see that all is as the model has it.

        :param is_sent: whether the client is connected before the last answer.
        """
        self.number += 1
        topic = f"rooms:{self.number}"
        objects: dict[str, Channel] = {
            who: self.client.channel(topic) for who in ("a", "b")
        }
        model = Model(is_sent)
        outcomes: list[Outcome[Any]] = []
        last: dict[tuple[str, str], Deferred[Any]] = {}
        for who, word in (*words, ("a", "answer")):
            model.do(who, word)
            channel = objects[who]
            if word == "answer":
                self.memory.release_connections()
                self.memory.flush()
            elif word == "stop":
                channel.stop()
            elif word.startswith("cancel_"):
                kind = word.removeprefix("cancel_")
                if (who, kind) in last:
                    last[who, kind].cancel()
            else:
                deferred = getattr(channel, word)()
                last[who, word] = deferred
                outcomes.append(Outcome(deferred))
            self.assertEqual(len(outcomes), len(model.promised))
        said = [[self.told(it) for it in outcome.fired] for outcome in outcomes]
        self.assertEqual(said, [[it] for it in model.promised], words)
        states = {who: str(channel.state) for who, channel in objects.items()}
        self.assertEqual(states, {who: model.state_of(who) for who in objects}, words)
        on_server = len(self.memory.channels(topic))
        self.assertEqual(on_server, int(model.holder is not None), words)
        for channel in objects.values():
            channel.stop()
        self.memory.flush()
        self.assertEqual(len(self.client.channels.next_joins), 0)
        # What was sent is kept by the server, and there are many sequences.
        self.memory.sessions[-1].frames.clear()

    def words_of(self, objects: str) -> list[tuple[str, str]]:
        """All that can be said."""
        return [
            (who, word)
            for who in objects
            for word in ("join", "leave", "stop", "cancel_join", "cancel_leave")
        ]

    def told(self, result: Any) -> Any:
        """A result as the model has it."""
        if isinstance(result, Exception):
            return type(result)
        return LEFT if result is None else JOINED

    def run_all(self, objects: str, length: int) -> None:
        """Run all sequences of a length."""
        words = [*self.words_of(objects), ("a", "answer")]
        for sequence in product(words, repeat=length):
            self.run_sequence(sequence)

    def test_one_object(self) -> None:
        """Of five words of one object the last counts, and each Deferred fires once."""
        self.run_all("a", 5)

    def test_two_objects(self) -> None:
        """So it is for two objects of a topic, each with its own last word."""
        self.run_all("ab", 3)

    def test_two_objects_that_leave(self) -> None:
        """So it is once the first is joined, or is leaving, and the second waits."""
        joined = (("a", "join"), ("a", "answer"))
        waiting = (*joined, ("a", "leave"), ("b", "join"))
        words = [
            (who, word)
            for who in "ab"
            for word in ("join", "leave", "stop", "cancel_join")
        ]
        for begin in (joined, waiting):
            for sequence in product([*words, ("a", "answer")], repeat=3):
                self.run_sequence((*begin, *sequence))

    def test_before_the_connection(self) -> None:
        """So it is for joins that wait for the connection."""
        for objects, length in (("a", 4), ("ab", 3)):
            for sequence in product(self.words_of(objects), repeat=length):
                self.client = self.connecting_client()
                self.run_sequence(sequence, is_sent=False)
                self.stop_client(self.client)
                self._clients.remove(self.client)
