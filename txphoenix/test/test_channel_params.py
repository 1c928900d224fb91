"""A channel's params: a value, or a callable that is asked anew for each join."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from types import MappingProxyType
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from txphoenix.channels.channel import Channel
from txphoenix.errors import (
    AlreadyJoined,
    ChannelClosed,
    JoinTimeout,
    NotConnected,
)

from .support import TOPIC, ClientTestCase, Outcome


class Later:
    """An awaitable that is no coroutine."""

    def __init__(self, deferred: Deferred[Any]) -> None:
        self._deferred = deferred

    def __await__(self) -> Generator[Any, Any, Any]:
        """Wait for the Deferred."""
        return self._deferred.__await__()


async def coroutine(result: Any) -> Any:
    """A result that takes a coroutine."""
    return result


async def failing_coroutine() -> Any:
    """A failure that takes a coroutine."""
    raise LookupError("no params")


def failing() -> Any:
    """A failure at once."""
    raise LookupError("no params")


class ParamsTests(ClientTestCase):
    """What the join sends."""

    def params_sent(self, connection: int = -1) -> list[Any]:
        """The params of the joins that were sent."""
        return [it[4] for it in self.sent(connection) if it[3] == "phx_join"]

    def test_value(self) -> None:
        """A value is sent as it is, of whatever JSON type."""
        client = self.connected_client()
        values: list[Any] = [{"a": 1}, [1, 2], "text", 5]
        for number, value in enumerate(values):
            self.joined_channel(f"rooms:{number}", value, client=client)
        self.assertEqual(self.params_sent(), values)

    def test_default(self) -> None:
        """Without params, those of the option ``default_channel_params`` are sent."""
        client = self.connected_client(default_channel_params={"d": 1})
        self.joined_channel("rooms:default", client=client)
        self.assertEqual(self.params_sent(), [{"d": 1}])

    def test_mapping(self) -> None:
        """Any mapping is sent as a dict, whether there are defaults for it or not."""
        params = MappingProxyType({"a": 1})
        defaults: list[Any] = [{}, {"a": 0}, dict, lambda: params]
        for default in defaults:
            for own in (params, lambda: params):
                client = self.connected_client(default_channel_params=default)
                outcome = self.watch(client.channel(TOPIC, own).join())
                self.memory.flush()
                self.assert_fired(outcome, {"a": 1})

    def test_callable(self) -> None:
        """A callable may answer at once, by Deferred, coroutine or any awaitable."""
        client = self.connected_client()
        answers: list[Callable[[], Any]] = [
            lambda: {"n": 0},
            lambda: succeed({"n": 1}),
            lambda: coroutine({"n": 2}),
            lambda: Later(succeed({"n": 3})),
        ]
        for number, params in enumerate(answers):
            self.joined_channel(f"rooms:{number}", params, client=client)
        self.assertEqual(self.params_sent(), [{"n": n} for n in range(4)])

    def test_asked_anew(self) -> None:
        """A callable is asked once for each join, and not before it can be sent."""
        asked: list[int] = []

        def params() -> dict[str, int]:
            asked.append(1)
            return {"n": len(asked)}

        client = self.connecting_client()
        outcome = self.watch(client.channel(TOPIC, params).join())
        self.assertEqual(asked, [])
        self.memory.release_connections()
        self.memory.flush()
        self.assert_fired(outcome, {"n": 1})
        self.lose_connection()
        self.reconnect()
        self.assertEqual(self.params_sent(0), [{"n": 1}])
        self.assertEqual(self.params_sent(1), [{"n": 2}])

    def test_params_replaced(self) -> None:
        """The attribute may be set, and holds from the next join on."""
        channel = self.joined_channel(params={"n": 1})
        channel.params = {"n": 2}
        self.lose_connection()
        self.reconnect()
        self.assertEqual(self.params_sent(), [{"n": 2}])

    def test_failing(self) -> None:
        """A first join fails with what the callable raised, sooner or later."""
        client = self.connected_client()
        failures: list[Callable[[], Any]] = [
            failing,
            lambda: fail(LookupError("no params")),
            failing_coroutine,
        ]
        for params in failures:
            channel = client.channel(TOPIC, params)
            outcome = self.watch(channel.join())
            self.assert_failed(outcome, LookupError)
            self.assertEqual(channel.state, "closed")
        self.assertEqual(self.all_sent(), [])

    def test_failing_rejoin(self) -> None:
        """Decision 7: a rejoin for which the callable fails is tried again."""
        answers: list[Callable[[], Any]] = [dict, failing, dict]

        def params() -> Any:
            return answers.pop(0)()

        channel = self.joined_channel(params=params)
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.lose_connection()
        self.reconnect()
        self.assertEqual(channel.state, "errored")
        self.assertIsInstance(errors[-1], LookupError)
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")

    def test_failing_rejoin_at_once(self) -> None:
        """A rejoin that fails at once and is tried at once does not nest."""
        answers: list[Callable[[], Any]] = [dict, *[failing] * 2000, dict]

        def params() -> Any:
            return answers.pop(0)()

        channel = self.joined_channel(params=params, rejoin_backoff=lambda _: 0.0)
        self.lose_connection()
        self.reconnect()
        self.memory.wait_for(lambda: channel.state == "joined")
        self.assertEqual(answers, [])


DEFAULT = {"d": 1, "both": {"default": True}}

# The channel's own, and what is sent.
MERGED: list[tuple[Any, Any]] = [
    (None, DEFAULT),
    ({}, DEFAULT),
    ({"a": 2}, {**DEFAULT, "a": 2}),
    ({"both": {"own": True}}, {"d": 1, "both": {"own": True}}),
    ({"d": None}, {**DEFAULT, "d": None}),
    (MappingProxyType({"a": 2}), {**DEFAULT, "a": 2}),
    ([1, 2], [1, 2]),
    ("text", "text"),
    (5, 5),
    (False, False),
]


def callables(value: Any) -> list[Any]:
    """A value, and callables that answer it at once, later, and in a coroutine."""
    return [
        value,
        lambda: value,
        lambda: succeed(value),
        lambda: coroutine(value),
        lambda: Later(succeed(value)),
    ]


class DefaultParamsTests(ClientTestCase):
    """The seed's rule: the client's defaults, merged under the channel's own."""

    def test_merged(self) -> None:
        """One level deep, and the channel's own count; what is no mapping is sent."""
        for default in callables(DEFAULT):
            client = self.connected_client(default_channel_params=default)
            for value, expected in MERGED:
                for own in callables(value):
                    channel = client.channel(TOPIC, own)
                    outcome = self.watch(channel.join())
                    self.memory.flush()
                    self.assert_fired(outcome, expected)
                    channel.stop()
            self.stop_client(client)
        self.assertEqual(DEFAULT, {"d": 1, "both": {"default": True}})

    def test_nothing_to_merge(self) -> None:
        """Defaults of None, and those that a callable answers so, change nothing."""
        defaults: list[Any] = [None, {}, lambda: None]
        for default in defaults:
            client = self.connected_client(default_channel_params=default)
            for own, expected in ((None, {}), ({"a": 2}, {"a": 2}), (lambda: None, {})):
                channel = client.channel(TOPIC, own)
                outcome = self.watch(channel.join())
                self.memory.flush()
                self.assert_fired(outcome, expected)
                channel.stop()

    def test_every_way(self) -> None:
        """So it is for each way to join a channel."""
        client = self.connected_client(
            default_channel_params=DEFAULT, join_channels={"rooms:1": {"a": 1}}
        )
        self.watch(client.join("rooms:2", {"a": 2}))
        self.watch(client.channel("rooms:3", {"a": 3}).join())
        client.channels.start_channel("rooms:4", {"a": 4})
        self.watch(client.channels.make("rooms:5", lambda: {"a": 5}).join())
        self.watch(client.reconfigure(join_channels={"rooms:6": lambda: {"a": 6}}))
        self.memory.flush()
        sent = {it[2]: it[4] for it in self.sent() if it[3] == "phx_join"}
        self.assertEqual(sent, {f"rooms:{n}": {**DEFAULT, "a": n} for n in range(1, 7)})

    def test_init(self) -> None:
        """``init`` gets what is sent."""
        begun: list[Any] = []

        class Beginning(Channel):
            def init(self, params: Any) -> None:
                begun.append(params)

        client = self.connected_client(default_channel_params=lambda: DEFAULT)
        self.joined_channel(TOPIC, {"a": 2}, Beginning, client)
        self.assertEqual(begun, [{**DEFAULT, "a": 2}])

    def test_asked_anew(self) -> None:
        """Callables are asked for each join and rejoin, the own first."""
        asked: list[str] = []

        def ask(name: str) -> dict[str, int]:
            asked.append(name)
            return {name: len(asked)}

        channel = self.joined_channel(
            params=lambda: ask("own"), default_channel_params=lambda: ask("default")
        )
        self.lose_connection()
        self.reconnect()
        self.assertEqual(asked, ["own", "default"] * 2)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.sent()[-1][4], {"own": 3, "default": 4})

    def test_failing(self) -> None:
        """A default that raises fails the join, as the channel's own does."""
        for default in (failing, failing_coroutine, lambda: fail(LookupError())):
            client = self.connected_client(default_channel_params=default)
            outcome = self.watch(client.channel(TOPIC, {"a": 1}).join())
            self.assert_failed(outcome, LookupError)

    def test_reconfigured(self) -> None:
        """Other defaults are those of channels made from then on."""
        client = self.connected_client(default_channel_params={"d": 1})
        old = self.joined_channel("rooms:old", {"a": 1}, client=client)
        self.watch(client.reconfigure(default_channel_params={"d": 2}))
        self.assertEqual(client.channel("rooms:new", {"a": 1}).params, {"d": 2, "a": 1})
        self.lose_connection()
        self.reconnect()
        self.assertEqual(old.state, "joined")
        self.assertEqual(self.sent()[-1][4], {"d": 1, "a": 1})

    def test_shown(self) -> None:
        """What is merged is shown by its names alone."""
        client = self.connected_client(default_channel_params={"token": "secret"})
        for own in ({"pin": "secret"}, lambda: {"pin": "secret"}):
            channel = self.joined_channel(params=own, client=client)
            state = client.get_state()["joined_channels"]
            self.assertNotIn(
                "secret", f"{state} {channel!r} {channel.params.__class__}"
            )
            if callable(channel.params):
                self.assertNotIn("secret", repr(channel.params))
            channel.stop()


class LateParamsTests(ClientTestCase):
    """Params that come later, or too late."""

    def setUp(self) -> None:
        """Keep what was asked."""
        super().setUp()
        self.asked: list[Deferred[Any]] = []
        self.cancelled: list[Deferred[Any]] = []

    def params(self) -> Awaitable[Any]:
        """Ask for params."""
        asked: Deferred[Any] = Deferred(self.cancelled.append)
        self.asked.append(asked)
        return asked

    def asking_channel(self) -> tuple[Channel, Outcome[Any]]:
        """A channel whose join waits for its params."""
        self.client = self.connected_client()
        channel = self.client.channel(TOPIC, self.params)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(channel.state, "joining")
        self.assertEqual(self.all_sent(), [])
        return channel, outcome

    def test_late(self) -> None:
        """The join is sent when they come."""
        _channel, outcome = self.asking_channel()
        self.memory.advance(3.0)
        self.asked[0].callback({"a": 1})
        self.memory.flush()
        self.assert_fired(outcome, {"a": 1})

    def test_timeout(self) -> None:
        """Asking takes of the join's time; what is asked in vain is cancelled."""
        channel, outcome = self.asking_channel()
        self.memory.advance(5.0)
        self.assert_failed(outcome, JoinTimeout)
        self.assertEqual(self.cancelled, self.asked)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.all_sent(), [])

    def test_rejoin_timeout(self) -> None:
        """A rejoin has a timeout for it as well, and asks again."""
        channel, _outcome = self.asking_channel()
        self.asked[0].callback({"n": 1})
        self.memory.flush()
        self.lose_connection()
        self.reconnect()
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.memory.advance(5.0)
        self.assertEqual([type(error) for error in errors], [JoinTimeout])
        self.assertEqual(self.cancelled, [self.asked[1]])
        self.memory.advance(1.0)
        self.asked[2].callback({"n": 3})
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.sent(1)[-1][4], {"n": 3})

    def test_left(self) -> None:
        """They are not waited for by a channel that was left, or sent."""
        channel, outcome = self.asking_channel()
        left = self.watch(channel.leave())
        self.assert_fired(left, None)
        self.assert_failed(outcome, ChannelClosed)
        self.assertEqual(self.cancelled, self.asked)
        self.assertEqual(self.all_sent(), [])

    def test_stopped(self) -> None:
        """Decision 4: nor by one that stops with its client."""
        _channel, outcome = self.asking_channel()
        self.stop_client(self.client)
        self.assert_failed(outcome, NotConnected)
        self.assertEqual(self.cancelled, self.asked)

    def test_connection_lost(self) -> None:
        """A lost connection asks again, once there is another; the join waits on."""
        channel, outcome = self.asking_channel()
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.lose_connection()
        self.assertEqual(self.cancelled, self.asked)
        self.assertEqual(errors, [])
        self.reconnect()
        self.asked[1].callback({"n": 2})
        self.memory.flush()
        self.assert_fired(outcome, {"n": 2})

    def test_connection_closing(self) -> None:
        """Params that come while the connection closes are asked again."""
        _channel, outcome = self.asking_channel()
        self.watch(self.client.reconfigure(params={"a": "1"}))
        self.asked[0].callback({"n": 1})
        self.memory.flush()
        self.assertEqual(self.all_sent(), [])
        self.asked[1].callback({"n": 2})
        self.memory.flush()
        self.assert_fired(outcome, {"n": 2})

    def test_not_cancellable(self) -> None:
        """What comes all the same for a join that is over is dropped."""
        late: list[Deferred[Any]] = []

        def stubborn() -> Deferred[Any]:
            late.append(Deferred(lambda deferred: deferred.callback({"n": 1})))
            return late[-1]

        client = self.connected_client()
        channel = client.channel(TOPIC, stubborn)
        outcome = self.watch(channel.join())
        self.watch(channel.leave())
        self.assert_failed(outcome, ChannelClosed)
        again = self.watch(channel.join())
        self.assertEqual(self.all_sent(), [])
        late[1].callback({"n": 2})
        self.memory.flush()
        self.assert_fired(again, {"n": 2})

    def test_asking_leaves(self) -> None:
        """A callable may leave and join again; the latest join alone is sent."""
        client = self.connected_client()
        outcomes: list[Outcome[Any]] = []
        asked: list[None] = []

        def params() -> Deferred[Any]:
            asked.append(None)
            if len(asked) == 1:
                self.watch(channel.leave())
                outcomes.append(self.watch(channel.join()))
                return succeed({"n": "outer"})
            return succeed({"n": "inner"})

        channel = client.channel(TOPIC, params)
        outer = self.watch(channel.join())
        self.memory.flush()
        self.assert_failed(outer, ChannelClosed)
        self.assert_fired(outcomes[0], {"n": "inner"})
        self.assertEqual([it[4] for it in self.all_sent()], [{"n": "inner"}])

    def test_asking_fails_after_leaving(self) -> None:
        """What a callable raises after it has left does not touch the next join."""
        client = self.connected_client()
        outcomes: list[Outcome[Any]] = []
        asked: list[None] = []

        def params() -> dict[str, Any]:
            asked.append(None)
            if len(asked) == 1:
                self.watch(channel.leave())
                outcomes.append(self.watch(channel.join()))
                raise LookupError("outer")
            return {"n": "inner"}

        channel = client.channel(TOPIC, params)
        outer = self.watch(channel.join())
        self.memory.flush()
        self.assert_failed(outer, ChannelClosed)
        self.assert_fired(outcomes[0], {"n": "inner"})

    def test_second_join_meanwhile(self) -> None:
        """Decision 7: a channel that asks for its params is joining."""
        channel, outcome = self.asking_channel()
        self.assert_failed(self.watch(channel.join()), AlreadyJoined)
        self.asked[0].callback({})
        self.memory.flush()
        self.assert_fired(outcome, {})
