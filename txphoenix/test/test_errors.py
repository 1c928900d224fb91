"""Tests of :mod:`txphoenix.errors`."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import errors
from txphoenix.errors import (
    AlreadyJoined,
    BufferFull,
    ChannelClosed,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    ConnectTimeout,
    DecodeError,
    HandshakeRefused,
    HeartbeatTimeout,
    JoinError,
    JoinTimeout,
    MessageTooLarge,
    NotConnected,
    PhoenixError,
    PushError,
    PushInterrupted,
    PushTimeout,
    SerializerError,
)

from .mute import Mute, MuteError

REFUSED = {"reason": "unauthorized"}


class StubChannel:
    """As much of a channel as an error looks at; it cannot be pickled."""

    topic = "rooms:lobby"

    def __reduce__(self) -> str:
        raise TypeError("a channel belongs to its process")


def examples() -> list[tuple[PhoenixError, str]]:
    """Each error with what it says, with all of its arguments and with the fewest."""
    return [
        (PhoenixError(), ""),
        (PhoenixError("oops"), "oops"),
        (ConfigurationError("timeout must be a number"), "timeout must be a number"),
        (NotConnected(), "the client is not connected"),
        (NotConnected("disconnect() was called"), "disconnect() was called"),
        (ConnectionFailed("no route to host"), "no route to host"),
        (ConnectTimeout(2.5), "no connection within 2.5 s"),
        (HandshakeRefused(None, {}), "handshake refused: no HTTP answer"),
        (HandshakeRefused(403, {}), "handshake refused: HTTP 403"),
        (
            HandshakeRefused(403, {"x": "y"}, "Forbidden"),
            "handshake refused: HTTP 403 Forbidden",
        ),
        (
            HandshakeRefused(None, {}, "not an HTTP answer"),
            "handshake refused: not an HTTP answer",
        ),
        (HeartbeatTimeout(30), "no reply to a heartbeat within 30 s"),
        (
            ConnectionClosed(1012),
            "connection closed with code 1012 (service restart)",
        ),
        (
            ConnectionClosed(4001, "bye", was_clean=True),
            "connection closed with code 4001: 'bye'",
        ),
        (JoinError(REFUSED), "join refused: 'unauthorized'"),
        (
            JoinError(["no"], "rooms:lobby"),
            "join of 'rooms:lobby' refused: ['no']",
        ),
        (JoinTimeout(5), "join not answered within 5 s"),
        (
            JoinTimeout(0.25, "rooms:lobby"),
            "join of 'rooms:lobby' not answered within 0.25 s",
        ),
        (
            JoinTimeout(5, "t", KeyError()),
            "join of 't' not sent within 5 s: no connection: KeyError",
        ),
        (PushError("error", REFUSED), "push answered 'error': 'unauthorized'"),
        (
            PushError("error", {}, "rooms:lobby", "new_msg"),
            "push of 'new_msg' to 'rooms:lobby' answered 'error': {}",
        ),
        (PushTimeout(5), "push not answered within 5 s"),
        (
            PushTimeout(5, "rooms:lobby", "new_msg"),
            "push of 'new_msg' to 'rooms:lobby' not answered within 5 s",
        ),
        (
            PushTimeout(5, "t", "e", "not joined"),
            "push of 'e' to 't' not sent within 5 s: not joined",
        ),
        (
            PushTimeout(5, "t", "e", ConnectionFailed("gone")),
            "push of 'e' to 't' not sent within 5 s: no connection: gone",
        ),
        (PushInterrupted(None), "push sent but not answered"),
        (
            PushInterrupted(ConnectionFailed("gone"), "rooms:lobby", "new_msg"),
            "push of 'new_msg' to 'rooms:lobby' sent but not answered: gone",
        ),
        (PushInterrupted(KeyError()), "push sent but not answered: KeyError"),
        (BufferFull(100), "push refused: 100 messages are waiting already"),
        (
            BufferFull(100, "t", "new_msg"),
            "push of 'new_msg' to 't' refused: 100 messages are waiting already",
        ),
        (ChannelClosed(), "channel closed"),
        (
            ChannelClosed("leave", "rooms:lobby"),
            "channel 'rooms:lobby' closed: leave",
        ),
        (ChannelClosed({"code": 1}), "channel closed: {'code': 1}"),
        (ChannelClosed(NotConnected()), "channel closed: the client is not connected"),
        (
            DecodeError("rooms:lobby", "new_msg", "app.Message", KeyError("secret")),
            (
                "'new_msg' of 'rooms:lobby' could not be decoded: app.Message raised"
                " KeyError"
            ),
        ),
        (
            DecodeError("rooms:lobby", "get", "app.Message", ValueError(), True),
            (
                "the response to 'get' of 'rooms:lobby' could not be decoded:"
                " app.Message raised ValueError"
            ),
        ),
        (SerializerError("expected JSON"), "expected JSON"),
        (MessageTooLarge(17, 16), "a message of 17 bytes exceeds the limit of 16"),
    ]


def classes() -> dict[str, type[Exception]]:
    """The error classes of the module, by name."""
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type)
        and issubclass(value, PhoenixError)
        and value.__module__.startswith("txphoenix.")
    }


class TreeTests(SynchronousTestCase):
    """The classes and their order."""

    def test_drawn_tree_is_the_tree(self) -> None:
        """The tree in the module's docstring has each class, under all its bases."""
        drawn = {}
        parents: list[str] = []
        for line in (errors.__doc__ or "").splitlines():
            match = re.fullmatch(r"\| ( *):exc:`(\w+)`(?: \(:exc:`(\w+)`\))?", line)
            if match is None:
                continue
            indent, name, builtin = match.groups()
            depth = len(indent) // 4
            parents[depth:] = [name]
            above = parents[depth - 1] if depth else "Exception"
            drawn[name] = [above, builtin] if builtin else [above]
        actual = {
            name: [base.__name__ for base in cls.__bases__]
            for name, cls in classes().items()
        }
        self.assertEqual(drawn, actual)

    def test_all(self) -> None:
        """``__all__`` names every error class and nothing else, in order."""
        self.assertEqual(errors.__all__, sorted(classes()))

    def test_each_class_has_an_example(self) -> None:
        """The tests below leave out no class but the one made of a channel."""
        shown = {type(error).__name__ for error, _ in examples()}
        self.assertEqual(shown | {"AlreadyJoined"}, set(classes()))

    def test_timeouts(self) -> None:
        """Everything that took too long can be caught as a TimeoutError."""
        for error in (
            ConnectTimeout(1.5),
            HeartbeatTimeout(1.5),
            JoinTimeout(1.5, "t"),
            PushTimeout(1.5, "t", "e"),
        ):
            self.assertIsInstance(error, TimeoutError)
            self.assertEqual(error.timeout, 1.5)


class TextTests(SynchronousTestCase):
    """What an error says."""

    def test_text(self) -> None:
        """Each error says in one line what happened."""
        for error, text in examples():
            self.assertEqual(str(error), text)
            self.assertEqual(error.args, (text,))

    def test_repr(self) -> None:
        """The repr is the class and the text."""
        self.assertEqual(
            repr(JoinTimeout(5, "rooms:lobby")),
            "JoinTimeout(\"join of 'rooms:lobby' not answered within 5 s\")",
        )

    def test_no_header_value_in_text(self) -> None:
        """The values of a refusal's headers are in no text of the error."""
        error = HandshakeRefused(403, {"set-cookie": "s3cret"}, "Forbidden")
        self.assertEqual(error.headers, {"set-cookie": "s3cret"})
        for text in (str(error), repr(error), repr(error.args)):
            self.assertNotIn("s3cret", text)

    def test_long_answers_are_cut(self) -> None:
        """What a server sent is shown in part if it is long."""
        long = "x" * 100_000
        for error in (
            JoinError({"text": long}),
            PushError("error", long),
            ConnectionClosed(1000, long),
            ChannelClosed([long]),
        ):
            self.assertLess(len(str(error)), 300)
            self.assertIn("characters)", str(error))

    def test_hostile_words(self) -> None:
        """No text of an error is long or has a control, and the attributes are exact.

        Whatever it is made of: it never raises.
        """
        deep: Any = "bottom"
        for _ in range(100_000):
            deep = [deep]
        endless: list[Any] = []
        endless.append(endless)
        words = "\x1b[2J\r\n\x9b\u202e\ud800" + "x" * 48_000
        for hostile in (words, deep, {"reason": deep}, endless, Mute(), 10**5000):
            text: Any = hostile
            errors: list[Any] = [
                HandshakeRefused(500, {}, words),
                ConnectionFailed(words),
                ConnectionClosed(1011, words, True),
                ConfigurationError(words),
                NotConnected(words),
                JoinError(hostile, words),
                JoinTimeout(5.0, words, MuteError()),
                PushError(text, hostile, words, words),
                PushTimeout(5.0, words, words, words),
                PushInterrupted(MuteError(), words, words),
                ChannelClosed(hostile, words),
                ChannelClosed(MuteError(words), words),
                BufferFull(1, words, words),
                SerializerError(words),
            ]
            for error in errors:
                for shown in (str(error), repr(error)):
                    self.assertTrue(shown.isprintable(), type(error))
                    self.assertLess(len(shown), 2200)
            self.assertIs(errors[2].reason, words)
            self.assertIs(errors[5].response, hostile)
            self.assertIs(errors[7].status, hostile)
            self.assertIs(errors[10].reason, hostile)


class AttributeTests(SynchronousTestCase):
    """What an error holds."""

    def test_handshake_refused(self) -> None:
        """A refusal holds status, headers and reason, the headers as a copy."""
        headers = {"vary": "accept-encoding"}
        error = HandshakeRefused(403, headers, "Forbidden")
        headers.clear()
        self.assertEqual(
            (error.status, error.headers, error.reason),
            (403, {"vary": "accept-encoding"}, "Forbidden"),
        )

    def test_connection_closed(self) -> None:
        """A close holds its code, its reason and whether it was clean."""
        error = ConnectionClosed(1001, "bye", True)
        self.assertEqual(
            (error.code, error.reason, error.was_clean), (1001, "bye", True)
        )
        self.assertFalse(ConnectionClosed(1006).was_clean)

    def test_reason_of_a_reply(self) -> None:
        """The reason is what the response names as such, and None without one."""
        for response, reason in [
            (REFUSED, "unauthorized"),
            ({"reason": {"code": 1}}, {"code": 1}),
            ({}, None),
            ("unauthorized", None),
            (None, None),
        ]:
            for error in (JoinError(response), PushError("error", response)):
                self.assertEqual(error.response, response)
                self.assertEqual(error.reason, reason)

    def test_join_errors(self) -> None:
        """The join errors of our own making hold the topic and no response."""
        channel = StubChannel()
        already = AlreadyJoined(channel)
        self.assertIs(already.channel, channel)
        for error in (already, JoinTimeout(5, "rooms:lobby")):
            self.assertEqual(
                (error.topic, error.response, error.reason),
                ("rooms:lobby", None, None),
            )

    def test_push_errors(self) -> None:
        """The push errors of our own making hold their status and no response."""
        for error, status in [
            (PushTimeout(5, "t", "e"), "timeout"),
            (PushInterrupted(None, "t", "e"), "interrupted"),
            (BufferFull(3, "t", "e"), "buffer_full"),
        ]:
            self.assertEqual(
                (error.status, error.response, error.topic, error.event),
                (status, None, "t", "e"),
            )
        self.assertEqual(BufferFull(3).limit, 3)

    def test_push_interrupted(self) -> None:
        """An interrupted push holds what interrupted it."""
        reason = ConnectionClosed(1006)
        error = PushInterrupted(reason)
        self.assertIs(error.cause, reason)
        self.assertIs(error.__cause__, reason)
        self.assertIsNone(PushInterrupted(None).cause)

    def test_was_sent(self) -> None:
        """A timeout holds whether anything was sent, and why not."""
        reason = ConnectionFailed("gone")
        for kind in (JoinTimeout, PushTimeout):
            self.assertTrue(kind(5, topic="t").was_sent)
            for obstacle, cause in (("not joined", None), (reason, reason)):
                error = kind(5, topic="t", obstacle=obstacle)
                self.assertFalse(error.was_sent)
                self.assertIs(error.__cause__, cause)

    def test_channel_closed(self) -> None:
        """A closed channel holds its topic and why it was closed."""
        reason = NotConnected()
        error = ChannelClosed(reason, "rooms:lobby")
        self.assertIs(error.reason, reason)
        self.assertEqual(error.topic, "rooms:lobby")

    def test_message_too_large(self) -> None:
        """A message that is too large holds its size and the limit."""
        error = MessageTooLarge(17, 16)
        self.assertEqual((error.size, error.limit), (17, 16))


class CopyTests(SynchronousTestCase):
    """An error can be copied, and sent to another process."""

    def assertSameError(self, copied: PhoenixError, error: PhoenixError) -> None:
        """Check that a copy is another object with all that the error holds."""
        self.assertIsNot(copied, error)
        self.assertIs(type(copied), type(error))
        self.assertEqual(str(copied), str(error))
        self.assertEqual(copied.args, error.args)
        # Errors inside of errors are other objects, alike in their repr.
        self.assertEqual(repr(vars(copied)), repr(vars(error)))

    def test_copy_and_pickle(self) -> None:
        """A copy, deep or not, and a pickled error hold all that the error holds."""
        for error, _ in examples():
            error.add_note("seen")
            self.assertSameError(copy.copy(error), error)
            self.assertSameError(copy.deepcopy(error), error)
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                pickled = pickle.dumps(error, protocol)
                self.assertSameError(pickle.loads(pickled), error)

    def test_already_joined(self) -> None:
        """A copy keeps the channel; a pickle and a deep copy go without it."""
        error = AlreadyJoined(StubChannel())
        self.assertSameError(copy.copy(error), error)
        for copied in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
            self.assertIsInstance(copied, AlreadyJoined)
            self.assertIsNone(copied.channel)
            self.assertEqual(copied.topic, "rooms:lobby")
            self.assertEqual(str(copied), str(error))
