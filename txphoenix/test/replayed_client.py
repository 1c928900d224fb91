"""Our client in the place of a recorded one.

For each frame that the recorded client sent, the public API is called that a program
would call there, and what our client sends must be the recorded frame, byte for byte,
but for the number of a ref.
For each frame that the real server sent, the scripted server sends it, and what it
means must have come about: a Deferred has fired with what the server said, a hook was
called, a channel is in another state, or the message was dropped and counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import (
    Channel,
    ChannelClosed,
    ConnectionClosed,
    JoinError,
    PushError,
    SocketClient,
)
from txphoenix.protocol.backoff import steps
from txphoenix.protocol.event_names import (
    HEARTBEAT,
    PHOENIX_TOPIC,
    PHX_CLOSE,
    PHX_ERROR,
    PHX_JOIN,
    PHX_LEAVE,
    PHX_REPLY,
)
from txphoenix.protocol.message import Message

from .recorded_frames import Refs, read_frame, with_refs
from .recordings import WireFrame
from .scripted_server import ClientFrame, ScriptedConnection, ScriptedServer

__all__ = [
    "RECONNECT_DELAY",
    "REJOIN_DELAY",
    "ReplayedChannel",
    "ReplayedClient",
]

RECONNECT_DELAY = 0.5
REJOIN_DELAY = 1.0


class Crash(Exception):
    """What a callback of a channel raises."""


class ReplayedChannel(Channel):
    """A channel that keeps the responses to its joins, and can be made to crash."""

    def init(self, params: Any) -> None:
        """Begin."""
        self.responses: list[Any] = []

    def handle_join(self, response: Any) -> Deferred[None]:
        """Keep the response."""
        self.responses.append(response)
        self._work: Deferred[None] = Deferred()
        return self._work

    def crash(self) -> None:
        """Have the callback fail that was called with the response."""
        self._work.errback(Crash())


class ReplayedClient:
    """Our client in the place of one of the recorded clients.

    :ivar client: the client.
    :ivar connection: the server's end of its latest connection.
    :ivar channels: topic -> its channel, once it is made.
    :ivar messages: what the client's ``on_message`` hooks were given.
    :ivar events: topic, event and payload of what the channels' hooks were given.
    :ivar reasons: what the client's ``on_close`` hooks were given.
    :ivar errors: what the client's ``on_error`` hooks were given.
    :ivar channel_errors: what the channels' ``on_error`` hooks were given.
    :ivar channel_ends: what the channels' ``on_close`` hooks were given.
    """

    def __init__(
        self,
        test: SynchronousTestCase,
        server: ScriptedServer,
        hooked_events: Iterable[str],
        **options: Any,
    ) -> None:
        self.refs = Refs()
        self.channels: dict[str, ReplayedChannel] = {}
        self.messages: list[Message] = []
        self.events: list[tuple[str, str, Any]] = []
        self.reasons: list[Any] = []
        self.errors: list[Any] = []
        self.channel_errors: list[BaseException] = []
        self.channel_ends: list[object] = []
        self._test = test
        self._server = server
        self._hooked_events = hooked_events
        self._expected_events: list[tuple[str, str, Any]] = []
        # Of each recorded ref: what was sent with it last, and what the Deferred has
        # fired with that somebody got for it.
        self._sent: dict[Any, Message] = {}
        self._outcomes: dict[Any, list[Any]] = {}
        self._own_refs: set[str] = set()
        self.client = SocketClient(
            server.url,
            reactor=server.clock,
            endpoint=server,
            backoff=options.pop("backoff", steps([RECONNECT_DELAY])),
            rejoin_backoff=steps([REJOIN_DELAY]),
            default_channel_class=ReplayedChannel,
            **options,
        )
        self.client.on_message(self.messages.append)
        self.client.on_close(self.reasons.append)
        self.client.on_error(self.errors.append)
        self.client.on_open(self._opened)
        self.client.startService()
        server.flush()
        test.assertTrue(self.client.connected)

    def channel(self, topic: str) -> ReplayedChannel:
        """The channel of a topic, with all its hooks."""
        channel = self.channels.get(topic)
        if channel is None:
            made = self.client.channel(topic)
            assert isinstance(made, ReplayedChannel)
            channel = self.channels[topic] = made
            for event in self._hooked_events:
                channel.on(event, partial(self._hear, topic, event))
            channel.on_error(self.channel_errors.append)
            channel.on_close(self.channel_ends.append)
        return channel

    def outcome(self, recorded_ref: object) -> Any:
        """What the Deferred of a recorded ref has fired with; an error as it is."""
        [outcome] = self._outcomes[recorded_ref]
        return outcome

    def is_waiting(self, recorded_ref: object) -> bool:
        """Whether the Deferred of a recorded ref has not fired."""
        return not self._outcomes[recorded_ref]

    def check_outcomes(self) -> None:
        """See that each Deferred has fired, once."""
        counts = {ref: len(outcome) for ref, outcome in self._outcomes.items()}
        self._test.assertEqual(counts, dict.fromkeys(counts, 1))

    # -- What the recorded client did ---------------------------------------------

    def send(self, frame: WireFrame) -> None:
        """Have our client do what the recorded one did, and compare what it sends."""
        recorded = read_frame(frame)
        deferred = self._do(recorded, self.refs.ours(recorded.join_ref))
        if deferred is not None:
            outcome: list[Any] = []
            self._outcomes[recorded.ref] = outcome
            deferred.addBoth(partial(_keep, outcome))
        self._server.flush()
        self.compare(frame)

    def compare(self, frame: WireFrame) -> None:
        """Compare what our client has sent since the last time with a frame."""
        [sent] = self.connection.take_frames()
        sent_frame = WireFrame(False, frame.client, sent.payload, frame.is_binary)
        recorded, ours = read_frame(frame), read_frame(sent_frame)
        self._sent[recorded.ref] = recorded
        # A ref is a string, and never used twice.
        assert isinstance(ours.ref, str), sent
        self._test.assertNotIn(ours.ref, self._own_refs)
        self._own_refs.add(ours.ref)
        # One that the recorder has made up for a topic without a join is none of ours.
        join_ref = self.refs.ours(recorded.join_ref)
        self.refs.learn(recorded.ref, ours.ref)
        channel = self.channels.get(recorded.topic)
        if recorded.event == PHX_JOIN:
            join_ref = ours.ref
        elif channel is not None and frame.data.startswith(b"{"):
            # Version 1: the recorder's pushes had none.
            join_ref = channel.join_ref
        expected = with_refs(frame, join_ref, ours.ref)
        first = 0x82 if frame.is_binary else 0x81
        self._test.assertEqual(sent, ClientFrame(first, expected))

    def _do(self, recorded: Message, join_ref: str | None) -> Deferred[Any] | None:
        _, _, topic, event, payload = recorded
        if event == HEARTBEAT:
            return self.client.ping()
        if event == PHX_JOIN:
            return self._join(self.channel(topic), payload)
        channel = self.channels.get(topic)
        # Version 1 has no join_ref in a push.
        if (
            channel is not None
            and channel.is_joined
            and join_ref in (None, channel.join_ref)
        ):
            if event == PHX_LEAVE:
                return channel.leave()
            return channel.push(event, payload)
        # Nothing that a channel would send; but the client sends any message.
        self.client.push(Message(join_ref, None, topic, event, payload))
        return None

    def _join(self, channel: ReplayedChannel, params: Any) -> Deferred[Any] | None:
        """Do what makes a channel send a join in the state it is in."""
        channel.params = params
        if channel.state == "closed":
            return channel.join()
        is_joined, join_ref = channel.is_joined, channel.join_ref
        if is_joined:
            # A program is refused a second join, but a crash of its own channel makes
            # the client join a topic that the server holds joined.
            channel.crash()
            self._test.assertEqual(len(self._test.flushLoggedErrors(Crash)), 1)
        self._server.wait_for(lambda: self.connection.frames)
        if is_joined:
            # Our client is more polite than the recorder, and leaves first.
            leave = self.connection.frames.pop(0).payload
            sent = json.loads(leave)
            self._own_refs.add(sent[1])
            self._test.assertEqual(
                sent, [join_ref, sent[1], channel.topic, PHX_LEAVE, {}]
            )
        return None

    # -- What the recorded server did ---------------------------------------------

    def receive(self, frame: WireFrame) -> None:
        """Have the server send the recorded frame, and see what comes of it."""
        recorded = read_frame(frame)
        message = recorded._replace(
            join_ref=self.refs.answered(recorded.join_ref),
            ref=self.refs.answered(recorded.ref),
        )
        topic = message.topic
        channel = self.channels.get(topic)
        has_channel = channel is not None and channel.state != "closed"
        is_stale = (
            channel is not None
            and has_channel
            and message.join_ref not in (None, channel.join_ref)
        )
        is_unrouted = not has_channel and topic != PHOENIX_TOPIC
        stale, unrouted = self._dropped()
        state = None if channel is None else channel.state
        self.connection.send(
            with_refs(frame, message.join_ref, message.ref), frame.is_binary
        )
        self._server.flush()
        test = self._test
        message = message._replace(
            join_ref=_text(message.join_ref), ref=_text(message.ref)
        )
        test.assertEqual(self.messages[-1:], [message])
        test.assertEqual(self._dropped(), (stale + is_stale, unrouted + is_unrouted))
        if is_stale or is_unrouted:
            if channel is not None:
                test.assertEqual(channel.state, state, message)
        elif message.event == PHX_REPLY:
            self._check_reply(recorded)
        elif channel is not None:
            self._check_message(channel, message)
        test.assertEqual(self.events, self._expected_events)

    def _dropped(self) -> tuple[int, int]:
        state = self.client.get_state()
        return state["stale_messages"], state["unrouted_messages"]

    def _check_message(self, channel: ReplayedChannel, message: Message) -> None:
        test = self._test
        if message.event == PHX_CLOSE:
            test.assertEqual(channel.state, "closed")
        elif message.event == PHX_ERROR:
            test.assertEqual(channel.state, "errored")
            error = self.channel_errors[-1]
            assert isinstance(error, ChannelClosed), error
            test.assertEqual(error.reason, message.payload)
        else:
            self._expected_events.append(
                (message.topic, message.event, message.payload)
            )

    def _check_reply(self, reply: Message) -> None:
        """Compare what a Deferred has fired with, once, with what the server said."""
        asked = self._sent.get(reply.ref)
        status, response = reply.payload["status"], reply.payload["response"]
        is_ok = status == "ok"
        test = self._test
        if asked is not None and asked.event == PHX_JOIN:
            channel = self.channels[asked.topic]
            test.assertEqual(channel.state, "joined" if is_ok else "closed")
            if is_ok:
                test.assertEqual(channel.responses[-1], response)
        if asked is None or reply.ref not in self._outcomes:
            # Nobody waits for a rejoin, for SocketClient.push(), or for another's.
            return
        outcome = self.outcome(reply.ref)
        if asked.event == HEARTBEAT:
            test.assertIsInstance(outcome, float)
        elif asked.event == PHX_LEAVE:
            test.assertIsNone(outcome)
        elif is_ok:
            test.assertEqual(outcome, response)
        elif asked.event == PHX_JOIN:
            assert isinstance(outcome, JoinError), outcome
            test.assertEqual(outcome.response, response)
        else:
            assert isinstance(outcome, PushError), outcome
            test.assertEqual((outcome.status, outcome.response), (status, response))

    def lose(self, code: int) -> None:
        """Have the server end the connection, and see that the user is told the code.

        The channels that were joined wait for the next connection.
        """
        joined = [each for each in self.channels.values() if each.is_joined]
        count = len(self.reasons)
        self.connection.close(code)
        self._server.flush()
        test = self._test
        [reason] = self.reasons[count:]
        assert isinstance(reason, ConnectionClosed), reason
        test.assertEqual((reason.code, reason.was_clean), (code, code != 1006))
        test.assertEqual(self.client.status, "disconnected")
        test.assertEqual([each.state for each in joined], ["errored"] * len(joined))

    def come_back(self) -> None:
        """See that the client connects again after the delay of its backoff."""
        lost = self.connection
        self._test.assertTrue(lost.is_lost)
        self._server.advance(RECONNECT_DELAY * 0.99)
        self._test.assertIs(self.connection, lost)
        self._server.advance(RECONNECT_DELAY * 0.02)
        self._test.assertIsNot(self.connection, lost)
        self._test.assertTrue(self.client.connected)

    def _opened(self) -> None:
        self.connection: ScriptedConnection = self._server.connections[-1]

    def _hear(self, topic: str, event: str, payload: Any) -> None:
        self.events.append((topic, event, payload))


def _text(ref: Any) -> str | None:
    return None if ref is None else str(ref)


def _keep(outcome: list[Any], result: Any) -> None:
    outcome.append(result.value if isinstance(result, Failure) else result)
