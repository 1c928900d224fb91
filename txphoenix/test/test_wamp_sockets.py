"""The Phoenix sockets of a bridge: as many as are needed, and no more."""

from __future__ import annotations

from txphoenix.test.wamp_topics_case import TopicsCase

GONE = Exception("no more")


class SocketsTests(TopicsCase):
    """Topics on sockets of three places."""

    extra = {"channels_per_socket": 3, "idle": 30}

    def take(self, count: int) -> None:
        """Take topics, from 0."""
        for number in range(count):
            self.done(self.topics.take(f"rooms:{number}"))

    def drop(self, *numbers: int) -> None:
        """Drop topics."""
        for number in numbers:
            self.done(self.topics.drop(f"rooms:{number}", GONE))

    def sizes(self) -> list[int]:
        """How many topics the server has joined on each connection."""
        found = dict.fromkeys(self.server.connections, 0)
        for channel in self.server.channels():
            found[channel.session] += 1
        return list(found.values())

    def test_none(self) -> None:
        """Without a topic there is no socket."""
        self.assertEqual(self.topics.sockets.clients, [])
        self.assertEqual(self.sizes(), [])

    def test_as_many_as_needed(self) -> None:
        """One is opened whenever the others are full."""
        self.take(7)
        self.assertEqual(self.sizes(), [3, 3, 1])
        self.assertEqual(
            [client.name for client in self.topics.sockets.clients],
            ["wamp-1", "wamp-2", "wamp-3"],
        )

    def test_places_are_used_again(self) -> None:
        """A place that was given back is the next one that is taken."""
        self.take(7)
        self.drop(1)
        self.assertEqual(self.sizes(), [2, 3, 1])
        self.done(self.topics.take("rooms:new"))
        self.assertEqual(self.sizes(), [3, 3, 1])

    def test_place_of_none(self) -> None:
        """What cannot be taken leaves no place occupied."""
        self.take(2)
        for _ in range(5):
            self.failureResultOf(self.begin(self.topics.take("phoenix")))
        self.take(3)
        self.assertEqual(self.sizes(), [3])

    def test_place_is_free_once_left(self) -> None:
        """A place is not given away before the server has answered the leave."""
        self.take(3)
        self.server.pause()
        dropped = self.begin(self.topics.drop("rooms:0", GONE))
        taken = self.begin(self.topics.take("rooms:new"))
        self.assertEqual(len(self.topics.sockets.clients), 2)
        self.server.resume()
        self.server.flush()
        self.successResultOf(dropped)
        self.server.advance(5)
        self.successResultOf(taken)

    def test_empty_is_closed(self) -> None:
        """One that has had no topic for a while is closed, and no other."""
        self.take(4)
        self.drop(3)
        self.server.advance(29)
        self.assertEqual(self.sizes(), [3, 0])
        self.server.advance(2)
        self.assertEqual(self.sizes(), [3])
        self.assertEqual(len(self.topics.sockets.clients), 1)
        self.done(self.topics.take("rooms:new"))
        self.assertEqual(self.topics.sockets.clients[-1].name, "wamp-3")

    def test_empty_is_used(self) -> None:
        """One that gets a topic meanwhile stays."""
        self.take(4)
        self.drop(3)
        self.server.advance(29)
        self.done(self.topics.take("rooms:new"))
        self.server.advance(60)
        self.assertEqual(self.sizes(), [3, 1])

    def test_stop(self) -> None:
        """The end leaves all, closes all, and leaves nothing behind."""
        self.take(7)
        self.drop(6)
        self.stop()
        self.assertEqual(self.server.connections, [])

    def test_stop_while_one_closes(self) -> None:
        """One that is being closed by itself is waited for at the end."""
        self.take(1)
        self.drop(0)
        self.server.is_stalled = True
        self.clock.advance(30.5)
        self.assertEqual(self.topics.sockets.clients, [])
        stopped = self.begin(self.topics.stop(GONE))
        self.assertNoResult(stopped)
        self.server.is_stalled = False
        self.server.advance(5)
        self.successResultOf(stopped)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_during_an_outage(self) -> None:
        """A server that is not there holds up nothing."""
        self.take(2)
        self.server.is_listening = False
        self.server.drop()
        self.server.advance(3)
        self.done(self.topics.stop(GONE))
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ServerLimitTests(TopicsCase):
    """A server that lets a socket join as many topics, and no more."""

    extra = {"channels_per_socket": 100}

    def test_hundred(self) -> None:
        """250 topics are joined on three sockets, though topics come and go."""
        for number in range(250):
            self.done(self.topics.take(f"rooms:{number}"))
        for number in range(0, 250, 2):
            self.done(self.topics.drop(f"rooms:{number}", GONE))
            self.done(self.topics.take(f"rooms:new{number}"))
        self.assertEqual(len(self.server.channels()), 250)
        self.assertEqual(len(self.server.connections), 3)
