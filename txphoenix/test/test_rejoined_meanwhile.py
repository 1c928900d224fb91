"""A join is sent once, whoever calls for it in the middle of a rejoin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient

from .support import ClientTestCase


class RejoinedMeanwhileTests(ClientTestCase):
    """Who is asked during a rejoin may leave another topic, and join it again."""

    def rejoin(
        self, join_b: Callable[[SocketClient, Channel], Any], later: bool
    ) -> int:
        """Lose the connection, and have the params of ``a`` do something to ``b``.

        :param later: whether the params of ``b`` take their time.
        :return: how many joins of ``b`` were sent on the new connection.
        """
        waiting: list[Deferred[Any]] = []
        doing: list[Any] = []

        def params_of_a() -> dict[str, Any]:
            if doing:
                self.watch(doing.pop()())
            return {}

        def params_of_b() -> Any:
            if not later:
                return {}
            waiting.append(Deferred())
            return waiting[-1]

        client = self.connected_client()
        self.joined_channel("rooms:a", params_of_a, client=client)
        b = client.channel("rooms:b", params_of_b)
        self.watch(b.join())
        for deferred in waiting:
            deferred.callback({})
        self.memory.flush()
        doing.append(lambda: join_b(client, b))
        self.lose_connection()
        self.reconnect()
        for deferred in waiting[1:]:
            deferred.callback({})
        self.memory.flush()
        self.assertEqual(doing, [])
        self.assertEqual(client.channels.routes["rooms:b"].state, "joined")
        return [it[2:4] for it in self.sent()].count(["rooms:b", "phx_join"])

    def test_same(self) -> None:
        """The join that it begins is the only one."""

        def leave_and_join(_client: SocketClient, b: Channel) -> Any:
            self.watch(b.leave())
            return b.join()

        for later in (False, True):
            self.assertEqual(self.rejoin(leave_and_join, later), 1)

    def test_another(self) -> None:
        """So it is with another object for the topic."""

        def leave_and_join(client: SocketClient, b: Channel) -> Any:
            self.watch(b.leave())
            return client.join("rooms:b")

        for later in (False, True):
            self.assertEqual(self.rejoin(leave_and_join, later), 1)
