"""Tests of :mod:`txphoenix.client.receiving`.

The short way tells what the long one tells.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import globalLogPublisher

from txphoenix import telemetry
from txphoenix.channels.channel import Channel
from txphoenix.client.router import MessageRouter
from txphoenix.errors import ChannelClosed
from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V2Serializer

from .properties import checked, example, given, settings, st
from .support import TOPIC, ClientTestCase

HOOKED = "news"
# What stands for the ref of a push that awaits its reply.
PENDING_REF = "@ref"
JOIN_REF = "@join_ref"


class LongWay:
    """V2, not to be recognised: all that it reads goes the long way."""

    vsn = V2Serializer.vsn

    def __init__(self) -> None:
        v2 = V2Serializer()
        self.encode = v2.encode
        self.decode = v2.decode


class ReceivingTestCase(ClientTestCase):
    """A channel with a hook, and a note of everything that anybody is told."""

    def setUp(self) -> None:
        """Join the channel, and listen everywhere."""
        super().setUp()
        self.told: list[Any] = []
        self.channel = self.joined_channel(channel_class=Listener)
        self.channel.told = self.told  # type: ignore[attr-defined]
        self.client = self._clients[0]
        self.channel.on(HOOKED, lambda payload: self.told.append(("hook", payload)))
        self.client.on_error(lambda error: self.told.append(("error", str(error))))
        self.channel.on_error(lambda error: self.told.append(("crash", repr(error))))
        self.short = self.receiver(V2Serializer())
        self.long = self.receiver(LongWay())

    def receiver(self, serializer: Any) -> Any:
        """What would take frames with this serializer."""
        client = self.client
        router = MessageRouter(
            client.connection,
            client.channels,
            client._hook_lists,
            [client.state],
        )
        receive, _ = router.frame_receivers(serializer)
        return receive

    def outcome_of(self, receive: Any, text: str) -> list[Any]:
        """What everybody is told when this text comes, and what is counted."""
        self.told.clear()
        state = self.client.state
        before = state.dropped_frames, state.unrouted_messages, state.stale_messages
        pushed = self.watch(self.channel.push("never_answered"))
        ref = self.all_sent()[-1][1]
        join_ref = str(self.channel.join_ref)
        data = text.replace(PENDING_REF, ref).replace(JOIN_REF, join_ref)
        receive(data.encode("utf-8", "surrogatepass"), False)
        after = state.dropped_frames, state.unrouted_messages, state.stale_messages
        counted = [new - old for new, old in zip(after, before, strict=True)]
        answered = [repr(each).replace(ref, PENDING_REF) for each in pushed.fired]
        if not pushed.fired:
            pushed.deferred.addErrback(lambda _: None).cancel()
        told = [repr(each).replace(f"'{ref}'", PENDING_REF) for each in self.told]
        return [told, counted, answered]


class Listener(Channel):
    """Notes what no hook takes."""

    told: list[Any]

    def handle_message(self, message: Message) -> None:
        """Note it."""
        self.told.append(("message", message))


Values = st.SearchStrategy[Any]

refs: Values = st.sampled_from([None, JOIN_REF, PENDING_REF, "1", 1, 2.5, [], {}])
topics: Values = st.sampled_from(
    [TOPIC, TOPIC, TOPIC, "rooms:other", "phoenix", None, 7, [], {}]
)
events: Values = st.sampled_from(
    [HOOKED, HOOKED, "other", "phx_reply", None, 3, [], {}]
)
payloads: Values = st.sampled_from(
    [
        {},
        None,
        "text",
        {"status": "ok", "response": {"a": 1}},
        {"status": "error", "response": {"reason": "no"}},
        {"status": "ok"},
        [1, 2],
    ]
)
frames = st.one_of(
    st.tuples(refs, refs, topics, events, payloads).map(json.dumps),
    st.tuples(refs, refs, topics, events, payloads, st.integers()).map(json.dumps),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=6)
            | st.dictionaries(st.text(max_size=2), inner, max_size=6)
        ),
    ).map(json.dumps),
    st.text(max_size=20),
)


class SameTests(ReceivingTestCase):
    """Any frame: the short way and the long one."""

    @given(text=frames)
    @example(text='{"a":1,"b":2,"rooms:lobby":3,"news":4,"e":5}')
    @example(text=f'{{"a":1,"{PENDING_REF}":2,"{TOPIC}":3,"phx_reply":4,"e":5}}')
    @example(text=f'["{JOIN_REF}","{PENDING_REF}","{TOPIC}","phx_reply",1]')
    @example(text=f'[null,null,"{TOPIC}",["news"],1]')
    @example(text=f'[null,["1"],"{TOPIC}","phx_reply",1]')
    @example(text=f'[{{}},null,"{TOPIC}","news",1]')
    @settings(checked, max_examples=300)
    def test_same(self, text: str) -> None:
        """Both tell the same people the same, and count the same."""
        short = self.outcome_of(self.short, text)
        self.assertEqual(short, self.outcome_of(self.long, text))

    def test_same_with_telemetry(self) -> None:
        """With a telemetry handler attached too, and it hears of each message once."""

        def note(name: Any, numbers: Any, metadata: Any, _config: Any) -> None:
            fields = [
                metadata[key]
                for key in ("action", "topic", "event", "payload", "ref", "join_ref")
            ]
            if fields[0] == "received":
                self.told.append((name, numbers, fields))

        telemetry.attach("test", telemetry.MESSAGE, note)
        self.addCleanup(telemetry.detach, "test")
        for event, ref, join_ref in (
            (HOOKED, None, None),
            (HOOKED, None, JOIN_REF),
            ("other", None, None),
            ("phx_reply", PENDING_REF, JOIN_REF),
        ):
            payload = {"status": "ok", "response": 1}
            text = json.dumps([join_ref, ref, TOPIC, event, payload])
            short = self.outcome_of(self.short, text)
            self.assertEqual(short, self.outcome_of(self.long, text))
            heard = [each for each in short[0] if "txphoenix" in each]
            self.assertEqual(len(heard), 1, event)

    def test_ended_by_telemetry(self) -> None:
        """A handler may end what awaits the reply, which then answers nothing else."""

        def begin_anew(_name: Any, _numbers: Any, metadata: Any, _config: Any) -> None:
            if metadata["action"] == "received" and metadata["topic"] == "rooms:new":
                telemetry.detach("test")
                joining.stop()
                self.watch(joining.join())

        joining = self.client.channel("rooms:new")
        telemetry.attach("test", telemetry.MESSAGE, begin_anew)
        self.addCleanup(telemetry.detach, "test")
        self.memory.answers = False
        first = self.watch(joining.join())
        ref = joining.join_ref
        payload = {"status": "ok", "response": {}}
        self.short(
            json.dumps([ref, ref, "rooms:new", "phx_reply", payload]).encode(), False
        )
        self.assertIsInstance(first.fired[0], ChannelClosed)
        self.assertEqual(joining.state, "joining")

    def test_same_with_client_hooks(self) -> None:
        """A hook of the client for all messages gets each, before the channel's."""
        remove = self.client.on_message(lambda each: self.told.append(("all", each)))
        text = json.dumps([None, None, TOPIC, HOOKED, 1])
        short = self.outcome_of(self.short, text)
        self.assertEqual(short, self.outcome_of(self.long, text))
        self.assertEqual([each[2:5] for each in short[0]], ["all", "hoo"])
        remove()
        self.assertEqual(self.outcome_of(self.short, text)[0], ["('hook', 1)"])


class ShortWayTests(ReceivingTestCase):
    """What the short way does by itself."""

    def receive(self, event: str, payload: Any = None) -> None:
        """Have a broadcast come."""
        self.short(json.dumps([None, None, TOPIC, event, payload]).encode(), False)

    def test_no_message_is_made(self) -> None:
        """Where hooks take the payload nobody makes a Message."""

        def refuse(_fields: Any, _data: bytes) -> Message:
            raise AssertionError("a Message was made")

        serializer = V2Serializer()
        self.short = self.receiver(serializer)
        # Now, for one that had it from the start would be asked for each frame.
        self.patch(serializer, "to_message", refuse)
        self.receive(HOOKED, 5)
        self.assertEqual(self.told, [("hook", 5)])

    def test_hooks_in_order(self) -> None:
        """All hooks of an event are called, in order, also if one raises."""

        def broken(_payload: Any) -> None:
            raise ValueError("broken")

        self.channel.on(HOOKED, broken)
        self.channel.on(HOOKED, lambda payload: self.told.append(("last", payload)))
        self.receive(HOOKED, 1)
        self.assertEqual(self.told, [("hook", 1), ("last", 1)])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_later_failure(self) -> None:
        """What a hook's Deferred fails with is logged."""
        self.channel.on(HOOKED, lambda _: fail(ValueError("later")))
        self.receive(HOOKED)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_later_result(self) -> None:
        """A hook's Deferred is not waited for."""
        self.channel.on(HOOKED, lambda _: Deferred())
        self.receive(HOOKED, 1)
        self.receive(HOOKED, 2)
        self.assertEqual(self.told, [("hook", 1), ("hook", 2)])

    def test_hook_added_by_a_hook(self) -> None:
        """A hook that is added by a hook gets the next message."""
        added: list[Any] = []

        def add(_payload: Any) -> None:
            self.channel.off(HOOKED)
            self.channel.on(HOOKED, added.append)

        self.channel.on(HOOKED, add)
        self.receive(HOOKED, 1)
        self.assertEqual(added, [])
        self.receive(HOOKED, 2)
        self.assertEqual(added, [2])

    def test_closing(self) -> None:
        """Once the connection is closing nobody is told of anything."""
        self.client.disconnect()
        self.told.clear()
        self.receive(HOOKED)
        self.receive("other")
        self.short(b"no message", False)
        self.assertEqual(self.told, [])

    def test_nothing_is_logged(self) -> None:
        """Nothing is logged of a message, at any level."""
        events: list[Any] = []
        observe: Any = events.append
        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.receive(HOOKED)
        self.assertEqual(events, [])
