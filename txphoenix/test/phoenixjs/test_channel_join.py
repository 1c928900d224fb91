"""phoenix.js's channel tests: what a join's answer, or its absence, brings about."""

from __future__ import annotations

from typing import Any

from twisted.python.failure import Failure

from txphoenix import (
    Channel,
    ChannelClosed,
    JoinError,
    JoinTimeout,
    PushTimeout,
    SocketClient,
)

from .support import TOPIC, Outcome, PhoenixJSTestCase

REFUSAL = {"reason": "unauthorized"}


class JoinPushTestCase(PhoenixJSTestCase):
    """A test of a join that the test answers itself."""

    def joining_channel(
        self, client: SocketClient | None = None
    ) -> tuple[Channel, Outcome[Any], list[Any]]:
        """A channel whose join has been sent.

        :return: the channel, the outcome of its join, and the join's frame.
        """
        client = client or self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC, {"one": "two"})
        joined = self.watch(channel.join())
        self.memory.flush()
        return channel, joined, self.joins()[-1]

    def rejoining_channel(self) -> tuple[Channel, list[BaseException]]:
        """A channel that was joined, has crashed, and whose rejoin has been sent.

        :return: the channel, and the errors it tells from now on.
        """
        channel = self.joined_channel()
        self.memory.answers = False
        self.crash(self.joins()[-1])
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joining")
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        return channel, errors

    def delayed_calls(self) -> int:
        """How many calls there are on the clock."""
        return len(self.clock.getDelayedCalls())


class ReceivesOkTests(JoinPushTestCase):
    """The server takes the join."""

    def test_sets_channel_state_to_joined(self) -> None:
        """C16: the channel is joined with the server's answer, not before."""
        channel, _, join = self.joining_channel()
        self.assertNotEqual(channel.state, "joined")
        self.reply(join)
        self.assertEqual(channel.state, "joined")

    def test_triggers_receive_ok_callback_after_ok_response(self) -> None:
        """C17: the join's Deferred fires with the response, once."""
        _, joined, join = self.joining_channel()
        self.reply(join, "ok", {"a": 1})
        self.reply(join, "ok", {"a": 2})
        self.assert_fired(joined, {"a": 1})

    def test_triggers_receive_ok_callback_if_ok_response_already_received(self) -> None:
        """C18: a callback that is added after the answer is called at once."""
        channel = self.connected_client().channel(TOPIC, {"one": "two"})
        deferred = channel.join()
        self.memory.flush()
        self.assertEqual(self.successResultOf(deferred), {"one": "two"})

    def test_does_not_trigger_other_receive_callbacks_after_ok_response(self) -> None:
        """C19: after the answer there is no error, and no timeout either."""
        channel, joined, join = self.joining_channel()
        self.reply(join, "ok", {"a": 1})
        self.reply(join, "error", REFUSAL)
        self.wait_long()
        self.assert_fired(joined, {"a": 1})
        self.assertEqual(channel.state, "joined")

    def test_clears_timeout_timer(self) -> None:
        """C20: no deadline is left after the answer, and no delayed call after it."""
        client = self.connected_client()
        before, deadlines = self.delayed_calls(), len(client.channels.deadlines)
        _, _, join = self.joining_channel(client)
        self.assertEqual(len(client.channels.deadlines), deadlines + 1)
        self.reply(join)
        self.assertEqual(len(client.channels.deadlines), deadlines)
        # All deadlines of one duration share a call, which finds nothing left to do.
        self.memory.advance(client.options.timeout)
        self.assertEqual(self.delayed_calls(), before)

    def test_sets_received_resp(self) -> None:
        """C21: what the Deferred fires with is the response itself, of any type."""
        responses: list[Any] = [{"chat": "ok"}, [], "text", None, 0, False]
        for number, response in enumerate(responses):
            channel = self.connected_client().channel(f"rooms:{number}")
            self.memory.answers = False
            joined = self.watch(channel.join())
            self.memory.flush()
            payload = {"status": "ok", "response": response}
            [ref, _, topic, *_] = self.joins()[-1]
            self.server_sends(ref, ref, topic, "phx_reply", payload)
            self.assert_fired(joined, response)

    def test_removes_channel_bindings(self) -> None:
        """C22: after the answer nothing waits for it; a second one does nothing."""
        client = self.connected_client()
        channel, joined, join = self.joining_channel(client)
        errors: list[BaseException] = []
        client.on_error(errors.append)
        channel.on_error(errors.append)
        self.reply(join)
        self.reply(join, "error", REFUSAL)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(errors, [])
        self.assert_fired(joined, {})

    def test_resets_channel_rejoin_timer(self) -> None:
        """C23: after a join that succeeds, the delays of the rejoin begin anew."""
        channel, _ = self.rejoining_channel()
        self.reply(self.joins()[-1], "error", REFUSAL)
        self.memory.advance(2.0)
        self.reply(self.joins()[-1])
        self.assertEqual(channel.state, "joined")
        joins = len(self.joins())
        self.memory.advance(20.0)
        self.assertEqual(len(self.joins()), joins)
        self.crash(self.joins()[-1])
        self.memory.advance(0.99)
        self.assertEqual(len(self.joins()), joins)
        self.memory.advance(0.01)
        self.assertEqual(len(self.joins()), joins + 1)

    def test_sends_and_empties_channels_buffered_push_events(self) -> None:
        """C24: what was pushed before the answer is sent with it, in order.

        Each has a ref of its own and the join's join_ref, and all are written before
        the join's Deferred fires.
        """
        channel, joined, join = self.joining_channel()
        for number in range(3):
            self.watch(channel.push(f"event{number}", {"n": number}))
        joined.deferred.addCallback(lambda _: channel.push_async("last"))
        self.memory.flush()
        self.assertEqual(self.all_sent(), [join])
        self.reply(join)
        self.assertEqual(
            self.all_sent()[1:],
            [
                [join[0], "2", TOPIC, "event0", {"n": 0}],
                [join[0], "3", TOPIC, "event1", {"n": 1}],
                [join[0], "4", TOPIC, "event2", {"n": 2}],
                [join[0], "5", TOPIC, "last", {}],
            ],
        )


class ReceivesTimeoutTests(JoinPushTestCase):
    """The server does not answer the join."""

    def test_sets_channel_state_to_errored(self) -> None:
        """C25: a rejoin that times out leaves the channel errored."""
        channel, _ = self.rejoining_channel()
        self.memory.advance(5.0)
        self.assertEqual(channel.state, "errored")

    def test_sets_channel_state_to_errored_not_at_first(self) -> None:
        """C25, otherwise: a first join that times out leaves it closed."""
        channel, joined, _ = self.joining_channel()
        self.memory.advance(5.0)
        self.assertEqual(channel.state, "closed")
        self.assert_failed(joined, JoinTimeout)

    def test_triggers_receive_timeout_callback_after_ok_response(self) -> None:
        """C26: the timeout is told once, as a TimeoutError; a rejoin's to on_error."""
        _, joined, _ = self.joining_channel()
        self.wait_long()
        self.assertIsInstance(self.assert_failed(joined, JoinTimeout), TimeoutError)
        self.memory.answers = True
        channel, errors = self.rejoining_channel()
        self.memory.advance(5.0)
        self.assertEqual([type(error) for error in errors], [JoinTimeout])
        self.assertEqual(channel.state, "errored")

    def test_does_not_trigger_other_receive_callbacks_after_timeout_response(
        self,
    ) -> None:
        """C27: an answer that comes after the timeout is dropped."""
        channel, joined, join = self.joining_channel()
        self.memory.advance(5.0)
        self.reply(join)
        self.assert_failed(joined, JoinTimeout)
        self.assertEqual(channel.state, "closed")
        self.memory.answers = True
        rejoining, errors = self.rejoining_channel()
        self.memory.advance(5.0)
        self.reply(self.joins()[-1])
        self.assertEqual(rejoining.state, "errored")
        self.assertEqual(len(errors), 1)

    def test_schedules_rejoin_timer_timeout(self) -> None:
        """C28: a rejoin that times out is followed by another."""
        self.rejoining_channel()
        self.memory.advance(5.0)
        self.assertEqual(len(self.joins()), 2)
        self.memory.advance(2.0)
        self.assertEqual(len(self.joins()), 3)

    def test_schedules_rejoin_timer_timeout_not_at_first(self) -> None:
        """C28, otherwise: a first join that times out is not."""
        _, joined, _ = self.joining_channel()
        self.wait_long()
        self.assert_failed(joined, JoinTimeout)
        self.assertEqual(len(self.joins()), 1)


class ReceivesErrorTests(JoinPushTestCase):
    """The server refuses the join."""

    def test_triggers_receive_error_callback_after_error_response(self) -> None:
        """C29: the Deferred fails with what the server said, once."""
        _, joined, join = self.joining_channel()
        self.reply(join, "error", REFUSAL)
        self.reply(join, "error", {"reason": "again"})
        error = self.assert_failed(joined, JoinError)
        self.assertEqual(error.response, REFUSAL)
        self.assertEqual(error.reason, "unauthorized")

    def test_triggers_receive_error_callback_if_error_response_already_received(
        self,
    ) -> None:
        """C30: an errback that is added after the answer is called at once."""
        self.memory.refusal = REFUSAL
        deferred = self.connected_client().channel(TOPIC).join()
        self.memory.flush()
        self.assertEqual(
            self.failureResultOf(deferred, JoinError).value.response, REFUSAL
        )

    def test_does_not_trigger_other_receive_callbacks_after_error_response(
        self,
    ) -> None:
        """C31: after a refusal no ok and no timeout come; its errback may leave."""
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC)
        left: list[Outcome[None]] = []
        deferred = channel.join()
        joined = self.watch(deferred)
        joined.deferred.addCallback(lambda _: left.append(self.watch(channel.leave())))
        self.memory.flush()
        [join] = self.joins()
        self.reply(join, "error", REFUSAL)
        self.assert_fired(left[0], None)
        self.reply(join)
        self.wait_long()
        self.assert_failed(joined, JoinError)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.all_sent(), [join])

    def test_clears_timeout_timer(self) -> None:
        """C32: no deadline is left after the refusal, and no delayed call after it."""
        client = self.connected_client()
        before, deadlines = self.delayed_calls(), len(client.channels.deadlines)
        _, joined, join = self.joining_channel(client)
        self.reply(join, "error", REFUSAL)
        self.assertEqual(len(client.channels.deadlines), deadlines)
        self.memory.advance(client.options.timeout)
        self.assertEqual(self.delayed_calls(), before)
        self.assert_failed(joined, JoinError)

    def test_sets_received_resp_with_error_trigger_after_binding(self) -> None:
        """C33: an errback that waits for it gets the response with the error."""
        responses: list[Any] = []

        def refused(failure: Failure) -> None:
            assert isinstance(failure.value, JoinError)
            responses.append(failure.value.response)

        self.memory.refusal = {"chat": "no"}
        deferred = self.connected_client().channel(TOPIC).join()
        deferred.addErrback(refused)
        self.memory.flush()
        self.assertEqual(responses, [{"chat": "no"}])

    def test_sets_received_resp_with_error_trigger_before_binding(self) -> None:
        """C34: an errback that comes later gets it as well."""
        responses: list[Any] = []

        def refused(failure: Failure) -> None:
            assert isinstance(failure.value, JoinError)
            responses.append(failure.value.response)

        self.memory.refusal = {"chat": "no"}
        deferred = self.connected_client().channel(TOPIC).join()
        self.memory.flush()
        deferred.addErrback(refused)
        self.assertEqual(responses, [{"chat": "no"}])

    def test_does_not_set_channel_state_to_joined(self) -> None:
        """C35: a rejoin that is refused leaves the channel errored, to try again."""
        channel, errors = self.rejoining_channel()
        self.reply(self.joins()[-1], "error", REFUSAL)
        self.assertEqual(channel.state, "errored")
        [error] = errors
        assert isinstance(error, JoinError)
        self.assertEqual(error.response, REFUSAL)
        self.memory.advance(2.0)
        self.assertEqual(channel.state, "joining")

    def test_does_not_set_channel_state_to_joined_at_first(self) -> None:
        """C35, otherwise: a first join that is refused leaves it closed, for good."""
        channel, joined, join = self.joining_channel()
        self.reply(join, "error", REFUSAL)
        self.assertEqual(channel.state, "closed")
        self.assert_failed(joined, JoinError)
        self.wait_long()
        self.assertEqual(len(self.joins()), 1)

    def test_does_not_trigger_channels_buffered_push_events(self) -> None:
        """C36: when a rejoin is refused, what was pushed waits for the next.

        Each push has its own time for that.
        """
        channel, _ = self.rejoining_channel()
        patient = self.watch(channel.push("patient", timeout=20))
        hasty = self.watch(channel.push("hasty", timeout=1.5))
        self.reply(self.joins()[-1], "error", REFUSAL)
        self.assertEqual(self.all_sent("patient"), [])
        self.memory.advance(2.0)
        self.assert_failed(hasty, PushTimeout)
        self.assert_waits(patient)
        self.reply(self.joins()[-1])
        self.reply(self.all_sent("patient")[0], "ok", {"n": 1})
        self.assert_fired(patient, {"n": 1})
        self.assertEqual(self.all_sent("hasty"), [])

    def test_does_not_trigger_channels_buffered_push_events_at_first(self) -> None:
        """C36, otherwise: when a first join is refused, what was pushed fails."""
        channel, joined, join = self.joining_channel()
        pushed = self.watch(channel.push("event"))
        self.reply(join, "error", REFUSAL)
        self.assert_failed(joined, JoinError)
        self.assert_failed(pushed, ChannelClosed)
        self.wait_long()
        self.assertEqual(self.all_sent(), [join])
