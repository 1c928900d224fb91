"""Tests of decoders: typed payloads for hooks, callbacks, readers and replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import capturedLogs

from txphoenix import telemetry
from txphoenix.channel import Channel
from txphoenix.errors import ConfigurationError, DecodeError
from txphoenix.presence import Presence

from .log_case import told
from .support import TOPIC, ClientTestCase

SECRET = "S3CR3T"


@dataclass(frozen=True)
class Note:
    """What a payload stands for."""

    body: str


def to_note(payload: Any) -> Note:
    """Make a note of a payload, or raise an error that quotes it."""
    if not isinstance(payload, Mapping) or set(payload) != {"body"}:
        raise ValueError(f"no note: {payload!r}")
    return Note(**payload)


async def later(payload: Any) -> Any:
    """Answer later."""
    return payload


class Typed(Channel):
    """A channel whose ``new_msg`` is a note, and that notes what it is given."""

    decoders: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"new_msg": to_note}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.taken: list[Any] = []

    def handle_in(self, event: str, payload: Any) -> None:
        """Note it."""
        self.taken.append((event, payload))


class Read(Channel):
    """A channel of the same notes, which are read."""

    decoders: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"new_msg": to_note}


class DecoderCase(ClientTestCase):
    """A test with a channel that is joined."""

    def join(
        self, channel_class: Any = None, decoders: Any = None, **options: Any
    ) -> Any:
        """A joined channel, and the errors that it and its client are told."""
        client = self.connected_client(**options)
        channel = client.channel(TOPIC, None, channel_class, decoders=decoders)
        self.watch(channel.join())
        self.memory.flush()
        self.errors: list[Any] = []
        self.client_errors: list[Any] = []
        channel.on_error(self.errors.append)
        client.on_error(self.client_errors.append)
        return channel

    def say(self, event: str, payload: Any) -> None:
        """Have the server send it, as a broadcast."""
        self.server_sends(None, None, TOPIC, event, payload)

    def assert_told(self, *events: str) -> None:
        """So many payloads were not decoded, and all who want to know were told."""
        self.assertEqual([error.event for error in self.errors], list(events))
        self.assertEqual(self.client_errors, self.errors)
        for error in self.errors:
            self.assertIs(type(error), DecodeError)
            self.assertEqual((error.topic, error.is_response), (TOPIC, False))
            self.assertIsInstance(error.__cause__, Exception)
            self.assertNotIn(SECRET, f"{error!s} {error!r} {error.args}")


class HookTests(DecoderCase):
    """``channel.on(event, function, decode=...)``."""

    def test_value(self) -> None:
        """The hook is called with what the decoder returns, the others with payloads.

        A decorator takes one as well.
        """
        channel = self.join()
        notes: list[Any] = []
        plain: list[Any] = []
        channel.on("new_msg", notes.append, decode=to_note)
        channel.on("new_msg", plain.append)
        channel.on("new_msg", decode=to_note)(notes.append)
        self.say("new_msg", {"body": "hi"})
        self.assertEqual(notes, [Note("hi"), Note("hi")])
        self.assertEqual(plain, [{"body": "hi"}])

    def test_falsy_values(self) -> None:
        """Whatever it returns is a value, None too."""
        for value in (None, 0, False, ""):
            channel = self.join()
            got: list[Any] = []
            channel.on("new_msg", got.append, decode=lambda _, value=value: value)
            self.say("new_msg", {})
            self.assertEqual(got, [value])
            self.stop_client(self._clients.pop())

    def test_failure(self) -> None:
        """One that raises costs that hook that message, and nothing else."""
        channel = self.join()
        notes: list[Any] = []
        plain: list[Any] = []
        channel.on("new_msg", notes.append, decode=to_note)
        channel.on("new_msg", plain.append)
        self.say("new_msg", {"token": SECRET})
        self.say("new_msg", {"body": "hi"})
        self.assertEqual((notes, len(plain)), ([Note("hi")], 2))
        self.assert_told("new_msg")
        self.assertIn("to_note raised ValueError", str(self.errors[0]))
        self.assertTrue(channel.is_joined)

    def test_any_error(self) -> None:
        """Whatever it raises is such an error."""
        for error in (KeyError("x"), RecursionError(), SystemExit(), CancelledError()):
            channel = self.join()
            channel.on("new_msg", self.fail, decode=partial(raising, error))
            self.say("new_msg", {})
            self.assertIs(self.errors[0].__cause__, error)
            self.assertTrue(channel.is_joined)
            self.stop_client(self._clients.pop())

    def test_later(self) -> None:
        """One that answers later is refused at once, or its answer is the error."""
        channel = self.join()
        for wrong in (later, partial(later), 5, "to_note"):
            for add in (
                partial(channel.on, "new_msg", print, decode=wrong),
                partial(channel.on("new_msg", decode=wrong), print),
            ):
                self.assertRaises(ConfigurationError, add)
        answers = [lambda _: later(1), lambda _: fail(KeyError()), lambda _: Deferred()]
        for answer in answers:
            channel.on("new_msg", self.fail, decode=answer)
        self.say("new_msg", {"token": SECRET})
        self.assert_told("new_msg", "new_msg", "new_msg")
        self.assertIn("TypeError", str(self.errors[0]))

    def test_removed(self) -> None:
        """It is removed as others are: by its remover, by off(), or all at once."""
        channel = self.join()
        got: list[Any] = []
        remove = channel.on("new_msg", got.append, decode=to_note)
        remove()
        remove()
        channel.on("new_msg", got.append, decode=to_note)
        channel.off("new_msg", got.append)
        channel.on("new_msg", got.append, decode=to_note)
        channel.off("new_msg")
        self.say("new_msg", {"body": "hi"})
        self.assertEqual(got, [])

    def test_object(self) -> None:
        """An object with handle_in() has what the decoder returns."""

        class Taker:
            """Notes what it takes."""

            def __init__(self) -> None:
                self.taken: list[Any] = []

            def handle_in(self, event: str, payload: Note) -> None:
                """Note it."""
                self.taken.append((event, payload))

        channel, taker = self.join(), Taker()
        channel.on("new_msg", taker, decode=to_note)
        self.say("new_msg", {"body": "hi"})
        channel.off("new_msg", taker)
        self.say("new_msg", {"body": "ho"})
        self.assertEqual(taker.taken, [("new_msg", Note("hi"))])

    def test_binary(self) -> None:
        """A binary message is decoded from its bytes."""
        channel = self.join()
        got: list[Any] = []
        channel.on("blob", got.append, decode=bytes.hex)
        self.say("blob", b"\x01\xff")
        self.say("blob", {"no": "bytes"})
        self.assertEqual(got, ["01ff"])
        self.assert_told("blob")

    def test_hook_raises(self) -> None:
        """What the hook itself raises, now or later, is logged under its own name."""
        channel = self.join()

        async def wrong_later(_note: Note) -> None:
            raise LookupError("later")

        channel.on("new_msg", wrong, decode=to_note)
        channel.on("new_msg", wrong_later, decode=to_note)
        self.say("new_msg", {"body": "hi"})
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 2)
        self.assertEqual(self.errors, [])

    def test_presence(self) -> None:
        """A hook of presences may have one; the Presence reads what the server sent."""
        channel = self.join()
        presence = Presence(channel)
        got: list[Any] = []
        channel.on("presence_state", got.append, decode=sorted)
        self.say("presence_state", {"bob": {"metas": [{"phx_ref": "1"}]}})
        self.assertEqual((got, list(presence.state)), ([["bob"]], ["bob"]))


class ClassTests(DecoderCase):
    """``Channel.decoders``, and those that a channel is made with."""

    def test_handle_in(self) -> None:
        """handle_in() has the value of a decoded event, and the payload of another."""
        channel = self.join(Typed)
        self.say("new_msg", {"body": "hi"})
        self.say("other", {"body": "hi"})
        self.assertEqual(
            channel.taken, [("new_msg", Note("hi")), ("other", {"body": "hi"})]
        )

    def test_failure(self) -> None:
        """A payload that is not decoded is dropped, and the channel does not crash."""
        channel = self.join(Typed)
        self.say("new_msg", {"token": SECRET})
        self.say("new_msg", {"body": "hi"})
        self.assertEqual(channel.taken, [("new_msg", Note("hi"))])
        self.assert_told("new_msg")
        self.assertTrue(channel.is_joined)
        self.assertEqual(len(self.memory.sessions), 1)

    def test_receive(self) -> None:
        """So has receive(), as the payload of a message that is whole otherwise."""
        channel = self.join(Read)
        self.say("new_msg", {"token": SECRET})
        self.server_sends(channel.join_ref, "77", TOPIC, "new_msg", {"body": "hi"})
        message = self.successResultOf(channel.receive())
        self.assertEqual(
            message, (channel.join_ref, "77", TOPIC, "new_msg", Note("hi"))
        )
        waiting = self.watch(channel.receive())
        self.say("new_msg", {"body": "ho"})
        self.assertEqual(waiting.fired[0].payload, Note("ho"))
        self.assert_told("new_msg")

    def test_async_for(self) -> None:
        """So has ``async for``, which goes on past what is not decoded."""
        channel = self.join(Read)
        got: list[Any] = []

        async def read() -> None:
            async for message in channel:
                got.append(message.payload)

        done = self.watch(Deferred.fromCoroutine(read()))
        for payload in ({"body": "a"}, {}, {"body": "b"}):
            self.say("new_msg", payload)
        self.watch(channel.leave())
        self.memory.flush()
        self.assertEqual((got, done.fired), ([Note("a"), Note("b")], [None]))

    def test_hooks(self) -> None:
        """All hooks of an event have one value, and one of their own comes before."""
        calls: list[Any] = []

        def once(payload: Any) -> Note:
            calls.append(payload)
            return to_note(payload)

        channel = self.join(decoders={"new_msg": once})
        got: list[Any] = []
        channel.on("new_msg", got.append)
        remove = channel.on("new_msg", got.append, decode=len)
        channel.on("new_msg", got.append)
        self.say("new_msg", {"body": "hi"})
        self.assertEqual((got, len(calls)), ([Note("hi"), 1, Note("hi")], 1))
        self.assertIs(got[0], got[2])
        del got[:]
        self.say("new_msg", {"body": "hi", "more": SECRET})
        self.assertEqual((got, len(calls)), ([2], 2))
        self.assert_told("new_msg")
        remove()
        channel.off("new_msg")
        self.say("new_msg", {"body": "read"})
        self.assertEqual(len(got), 1)
        message = self.successResultOf(channel.receive())
        self.assertEqual(message.payload, Note("read"))

    def test_own_decoder_alone(self) -> None:
        """Where each hook has its own, that of the event is not asked."""
        channel = self.join(decoders={"new_msg": self.fail})
        got: list[Any] = []
        channel.on("new_msg", got.append, decode=to_note)
        self.say("new_msg", {"body": "hi"})
        self.assertEqual((got, self.errors), ([Note("hi")], []))

    def test_over_the_class(self) -> None:
        """Those that a channel is made with come before those of its class."""
        channel = self.join(Typed, {"new_msg": len, "blob": bytes.hex})
        self.say("new_msg", {"body": "hi"})
        self.say("blob", b"\x00")
        self.assertEqual(channel.taken, [("new_msg", 1), ("blob", "00")])
        plain = self.join(Typed)
        self.server_sends(None, None, TOPIC, "new_msg", {"body": "hi"})
        self.assertEqual(plain.taken, [("new_msg", Note("hi"))])

    def test_presence_events_of_another_class(self) -> None:
        """What brings presences to another class is decoded in one that decodes it."""

        class Crowd(Channel):
            presence_events = ("crowd_state", "crowd_diff")

        for kind, event in (Crowd, "presence_diff"), (Read, "crowd_state"):
            channel = self.join(kind, {event: to_note})
            got: list[Any] = []
            remove = channel.on(event, got.append)
            self.server_sends(None, None, TOPIC, event, {"body": "hi"})
            self.assertEqual(got, [Note("hi")])
            self.server_sends(None, None, TOPIC, event, {"colour": SECRET})
            self.assert_told(event)
            remove()
            self.server_sends(None, None, TOPIC, event, {"body": "ho"})
            message = self.successResultOf(channel.receive())
            self.assertEqual(message.payload, Note("ho"))

    def test_map(self) -> None:
        """A partial of a class may hand them on, in ``topic_channel_map`` say."""
        factory = partial(Channel, decoders={"new_msg": to_note})
        channel = self.join(topic_channel_map={"rooms:*": factory})
        self.say("new_msg", {"body": "hi"})
        message = self.successResultOf(channel.receive())
        self.assertEqual(message.payload, Note("hi"))

    def test_hooks_that_were_there(self) -> None:
        """Hooks that a constructor has added are decoded for, and can be removed."""
        got: list[Any] = []

        class Early(Channel):
            """A channel that hooks itself."""

            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                self.remove = self.on("new_msg", got.append)

        channel = self.join(Early, {"new_msg": to_note})
        self.say("new_msg", {"body": "hi"})
        channel.remove()
        self.say("new_msg", {"body": "ho"})
        self.assertEqual(got, [Note("hi")])

    def test_after_a_reconnect(self) -> None:
        """They hold for as long as there is the channel."""
        channel = self.join(Typed)
        self.lose_connection()
        self.reconnect()
        self.memory.flush()
        self.say("new_msg", {"body": "hi"})
        self.assertEqual(channel.taken, [("new_msg", Note("hi"))])

    def test_v1_and_whole_messages(self) -> None:
        """They are the same over V1, and hooks for all messages have what came."""
        channel = self.join(Typed, vsn="1.0.0")
        (client,) = self._clients
        whole: list[Any] = []
        client.on_message(whole.append)
        self.say("new_msg", {"body": "hi"})
        self.assertEqual(channel.taken, [("new_msg", Note("hi"))])
        self.assertEqual(whole[-1].payload, {"body": "hi"})

    def test_wrong(self) -> None:
        """What is no mapping of events to decoders is refused where it is given."""
        client = self.connected_client()
        wrongs: tuple[Any, ...] = (
            5,
            [("new_msg", len)],
            {"new_msg": "len"},
            {"new_msg": later},
            {5: len},
            {"phx_join": len},
            {"presence_state": len},
        )
        for wrong in wrongs:
            with self.assertRaises(ConfigurationError):
                client.channel(TOPIC, decoders=wrong)
            with self.assertRaises(ConfigurationError):
                type("Wrong", (Channel,), {"decoders": wrong})

    def test_set_later(self) -> None:
        """To set them of a channel would change nothing, and is refused by the join."""
        channel = self.connected_client().channel(TOPIC)
        channel.decoders = {"new_msg": to_note}  # type: ignore[misc]
        self.assert_failed(self.watch(channel.join()), ConfigurationError)

    def test_told_and_gone(self) -> None:
        """Whoever is told may leave, and stop the client."""
        channel = self.join(Typed)
        (client,) = self._clients
        channel.on_error(lambda _: client.stopService())
        self.say("new_msg", {})
        self.assertEqual((channel.taken, len(self.client_errors)), ([], 1))


class ToldTests(DecoderCase):
    """Who else is told."""

    def test_log(self) -> None:
        """The log has the first, the second, the fourth and so on, and no payload."""
        self.join(Typed)
        with capturedLogs() as captured:
            for _ in range(20):
                self.say("new_msg", {"token": SECRET})
        lines = told(captured)
        self.assertEqual(len(lines), 5)
        self.assertNotIn(SECRET, "".join(lines))
        self.assertIn("to_note raised ValueError", lines[0])

    def test_telemetry(self) -> None:
        """Telemetry has each as a message that was dropped."""
        drops: list[Any] = []

        def take(_name: Any, measured: Any, data: Any, _config: Any) -> None:
            if data["action"] == "dropped":
                drops.append((measured["count"], data["topic"], data["reason"]))

        telemetry.attach(self, telemetry.CHANNEL, take)
        self.addCleanup(telemetry.detach, self)
        self.join(Typed)
        self.say("new_msg", {"token": SECRET})
        self.assertEqual(drops, [(1, TOPIC, "undecoded")])


def raising(error: BaseException, _payload: Any) -> Any:
    """Raise an error."""
    raise error


def wrong(_note: Note) -> None:
    """Be a hook that raises."""
    raise LookupError("now")
