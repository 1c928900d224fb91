"""phoenix.js's channel tests: the constructor, the params, the join and its timeout."""

from __future__ import annotations

from twisted.internet.defer import succeed

from txphoenix import AlreadyJoined, JoinError, JoinTimeout, PushTimeout

from .support import TOPIC, PhoenixJSTestCase


class ConstructorTests(PhoenixJSTestCase):
    """What a channel is before it joins."""

    server_options = {"auth_token": True}

    def test_sets_defaults(self) -> None:
        """C1: a new channel is closed and silent, and has the client's timeout."""
        client = self.connected_client(timeout=1.25)
        channel = client.channel(TOPIC, {"one": "two"})
        self.memory.flush()
        self.assertEqual(channel.state, "closed")
        self.assertEqual(channel.topic, TOPIC)
        self.assertEqual(channel.params, {"one": "two"})
        self.assertIsNone(channel.join_ref)
        self.assertFalse(channel.is_joined)
        self.assertIsNone(client.channels.find(TOPIC))
        self.assertEqual(self.all_sent(), [])
        self.memory.answers = False
        joined = self.watch(channel.join())
        self.memory.advance(1.2)
        self.assert_waits(joined)
        self.memory.advance(0.1)
        self.assertEqual(self.assert_failed(joined, JoinTimeout).timeout, 1.25)

    def test_sets_up_join_push_object_with_literal_params(self) -> None:
        """C2: the join's payload is the params that the channel was made with."""
        self.joined_channel(params={"one": "two"})
        self.assertEqual(
            self.frames()[0], 'C> ["1","1","rooms:lobby","phx_join",{"one":"two"}]'
        )

    def test_sets_up_join_push_object_with_closure_params(self) -> None:
        """C3: params may be a function, whose result may come later."""
        client = self.connected_client()
        for number, params in enumerate(
            [
                lambda: {"n": 0},
                lambda: succeed({"n": 1}),
                lambda: later({"n": 2}),
            ]
        ):
            self.joined_channel(f"rooms:{number}", params, client=client)
        self.assertEqual(
            [join[4] for join in self.joins()], [{"n": n} for n in (0, 1, 2)]
        )

    def test_sets_subprotocols_when_auth_token_is_provided(self) -> None:
        """C4: the token is offered as a subprotocol, in base64 without padding."""
        self.connected_client(auth_token="1234")
        socket = self.memory.sessions[0].socket
        offered = socket.headers["sec-websocket-protocol"].split(",")
        self.assertEqual(
            [protocol.strip() for protocol in offered],
            ["phoenix", "base64url.bearer.phx.MTIzNA"],
        )
        self.assertEqual(socket.auth_token, "1234")


class UpdatingJoinParamsTests(PhoenixJSTestCase):
    """Params that change."""

    def test_can_update_the_join_params(self) -> None:
        """C5: a function of params is asked anew for each join."""
        counter = iter(range(9))
        self.joined_channel(params=lambda: {"value": next(counter)})
        self.lose_connection()
        self.reconnect()
        self.assertEqual(
            [join[4] for join in self.joins()], [{"value": 0}, {"value": 1}]
        )


class JoinTests(PhoenixJSTestCase):
    """What join() does."""

    def test_sets_state_to_joining(self) -> None:
        """C6: join() makes the channel joining, connected or on the way to it."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        self.watch(channel.join())
        self.assertEqual(channel.state, "joining")
        self.memory.answers = False
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(channel.state, "joining")
        self.assertEqual(len(self.joins()), 1)

    def test_sets_joined_once_to_true(self) -> None:
        """C7, otherwise: a join counts once it has succeeded.

        A refused first join is not tried again, a refused rejoin is.
        """
        self.memory.refusal = {"reason": "unauthorized"}
        client = self.connected_client()
        refused = client.channel("rooms:refused")
        outcome = self.watch(refused.join())
        self.wait_long()
        self.assert_failed(outcome, JoinError)
        self.assertEqual(refused.state, "closed")
        self.assertEqual(len(self.joins()), 1)
        self.memory.refusal = None
        channel = self.joined_channel(client=client)
        self.memory.refusal = {"reason": "unauthorized"}
        self.memory.kill_channel(TOPIC)
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "errored")
        self.memory.refusal = None
        self.memory.advance(2.0)
        self.assertEqual(channel.state, "joined")
        self.assertEqual([join[2] for join in self.joins()][1:], [TOPIC] * 3)

    def test_throws_if_attempting_to_join_multiple_times(self) -> None:
        """C8, otherwise: a second join() fails by its Deferred, and the first goes on.

        A channel that has closed may join again.
        """
        self.memory.answers = False
        channel = self.connected_client().channel(TOPIC)
        first = self.watch(channel.join())
        second = self.watch(channel.join())
        self.memory.flush()
        self.assertIs(self.assert_failed(second, AlreadyJoined).channel, channel)
        self.assert_waits(first)
        self.assertEqual(len(self.joins()), 1)
        self.reply(self.joins()[0], "ok", {"welcome": 1})
        self.assert_fired(first, {"welcome": 1})
        self.memory.answers = True
        channel.stop()
        again = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(again, {})

    def test_triggers_socket_push_with_channel_params(self) -> None:
        """C9: one join is sent, with the params; its ref is its join_ref as well."""
        channel = self.joined_channel(params={"one": "two"})
        [[join_ref, ref, topic, event, payload]] = self.all_sent()
        self.assertEqual((topic, event, payload), (TOPIC, "phx_join", {"one": "two"}))
        self.assertEqual(join_ref, ref)
        self.assertEqual(channel.join_ref, ref)

    def test_can_set_timeout_on_join_push(self) -> None:
        """C10: a join may have a timeout of its own, in seconds.

        Otherwise: it is this join's alone, and not the pushes' to come.
        """
        client = self.connected_client()
        self.memory.answers = False
        late = self.watch(client.channel("rooms:late").join(timeout=2))
        self.memory.advance(1.9)
        self.assert_waits(late)
        self.memory.advance(0.1)
        self.assertEqual(self.assert_failed(late, JoinTimeout).timeout, 2)
        self.memory.answers = True
        channel = client.channel(TOPIC)
        self.watch(channel.join(timeout=2))
        self.memory.flush()
        push = self.watch(channel.push("silent"))
        self.memory.advance(4.9)
        self.assert_waits(push)
        self.memory.advance(0.1)
        self.assertEqual(self.assert_failed(push, PushTimeout).timeout, 5.0)

    def test_leaves_existing_duplicate_topic_on_new_join(self) -> None:
        """C11, otherwise: who holds a topic keeps it, and the newcomer is told who."""
        channel = self.joined_channel(client=(client := self.connected_client()))
        newcomer = client.channel(TOPIC)
        outcome = self.watch(newcomer.join())
        self.memory.flush()
        self.assertIs(self.assert_failed(outcome, AlreadyJoined).channel, channel)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(newcomer.state, "closed")
        self.assertEqual(len(self.joins()), 1)
        self.assertEqual(self.leaves(), [])


class TimeoutBehaviorTests(PhoenixJSTestCase):
    """Joins that are answered late, or not at all."""

    def test_succeeds_before_timeout(self) -> None:
        """C12: after an answer in time, nothing comes of the timeout."""
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC)
        joined = self.watch(channel.join())
        self.memory.advance(0.1)
        self.reply(self.joins()[0])
        self.assertEqual(channel.state, "joined")
        self.memory.advance(10.0)
        self.assertEqual(channel.state, "joined")
        self.assert_fired(joined, {})
        self.assertEqual(len(self.all_sent()), 1)

    def test_retries_with_backoff_after_timeout(self) -> None:
        """C13: a rejoin that is not answered is left, and tried again with backoff."""
        channel = self.joined_channel(client=(client := self.connected_client()))
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.memory.answers = False
        self.crash(self.joins()[0])
        for delay in (1.0, 2.0, 5.0):
            before = len(self.joins())
            self.memory.advance(delay - 0.01)
            self.assertEqual(len(self.joins()), before)
            self.memory.advance(0.01)
            self.assertEqual(channel.state, "joining")
            join_ref = self.joins()[-1][0]
            self.memory.advance(client.options.timeout)
            self.assertEqual(channel.state, "errored")
            self.assertEqual(self.all_sent()[-1][:1], [join_ref])
            self.assertEqual(self.all_sent()[-1][2:], [TOPIC, "phx_leave", {}])
            self.assertIsInstance(errors[-1], JoinTimeout)
        self.memory.advance(10.0)
        self.reply(self.joins()[-1])
        self.assertEqual(channel.state, "joined")
        sent = len(self.all_sent())
        self.memory.answers = True
        self.wait_long()
        self.assertEqual(len(self.all_sent()), sent)
        self.assertEqual(len(errors), 1 + 3)

    def test_retries_with_backoff_after_timeout_not_at_first(self) -> None:
        """C13, otherwise: a first join is left and fails, and is not tried again."""
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join())
        self.memory.advance(5.0)
        self.assert_failed(outcome, JoinTimeout)
        self.assertEqual(channel.state, "closed")
        self.memory.answers = True
        self.wait_long()
        self.assertEqual(
            self.all_sent(),
            [
                ["1", "1", TOPIC, "phx_join", {}],
                ["1", "2", TOPIC, "phx_leave", {}],
            ],
        )

    def test_with_socket_and_join_delay(self) -> None:
        """C14, otherwise: a first join waits for a connection up to its timeout.

        Nothing is sent for one that has failed, and a new one works.
        """
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        first = self.watch(channel.join())
        self.memory.advance(10.0)
        self.assert_failed(first, JoinTimeout)
        self.assertEqual(channel.state, "closed")
        self.memory.release_connections()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(self.all_sent(), [])
        second = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(second, {})
        self.assertEqual(len(self.all_sent()), 1)

    def test_with_socket_and_join_delay_after_a_loss(self) -> None:
        """C14: a channel that was joined joins again with the next connection."""
        channel = self.joined_channel()
        self.memory.holds_connections = True
        self.lose_connection()
        self.memory.advance(10.0)
        self.assertEqual(channel.state, "errored")
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent(1), ["phx_join"])

    def test_with_socket_delay_only(self) -> None:
        """C15: a join waits for a connection that is late, and is sent once.

        Otherwise: not for longer than its timeout, see C14.
        """
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        joined = self.watch(channel.join())
        self.memory.advance(3.0)
        self.assert_waits(joined)
        self.memory.release_connections()
        self.memory.flush()
        self.assert_fired(joined, {})
        self.assertEqual(channel.state, "joined")
        self.wait_long()
        self.assertEqual(len(self.all_sent()), 1)


async def later(value: object) -> object:
    """The value, as an ``async def`` gives it."""
    return value
