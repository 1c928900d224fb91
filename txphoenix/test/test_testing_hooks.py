"""Tests of :mod:`txphoenix.testing.hooks`: what a test's own hooks take and answer."""

from __future__ import annotations

from functools import wraps
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.testing import (
    EchoChannel,
    MemoryServer,
    PhoenixServer,
    Refused,
    ServerChannel,
    Socket,
    error,
    ok,
)

from .kit import KitTestCase
from .longpoll_kit import KitLongPollTestCase
from .wire_client import RawClient, upgrade_request

# What decides nothing, and how it is named.
_UNDECIDED: tuple[tuple[Any, str], ...] = (
    (False, "False"),
    (True, "True"),
    (error({"reason": "no"}), "a value of type Reply"),
    (("error", {"reason": "no"}), "a value of type tuple"),
    (Refused, "a value of type type"),
    (Refused(), "a value of type Refused"),
)


class ConnectTests(KitLongPollTestCase):
    """What ``connect`` answers."""

    def told(self) -> str:
        """The one error that was logged."""
        [failure] = self.flushLoggedErrors(TypeError)
        return str(failure.value)

    def test_wrong_answers(self) -> None:
        """What is neither an id nor None lets nobody in, and the test fails for it."""
        for answer, shown in (
            *_UNDECIDED,
            (7, "a value of type int"),
            ({"id": "ann"}, "a value of type dict"),
            (succeed(False), "False"),
        ):
            told = (
                "connect must return the socket's id, a str, or None, and raise Refused"
                f" to refuse; it returned {shown}"
            )
            self.start(connect=lambda params, socket, answer=answer: answer)
            client: RawClient = RawClient.connect(self.memory)
            client.write(upgrade_request("/socket/websocket?vsn=2.0.0"))
            self.memory.flush()
            self.assertIn(b" 500 ", client.received)
            self.assertEqual(self.told(), told)
            if not isinstance(answer, Deferred):
                self.assertEqual(self.answered(self.ask("GET")).status, 500)
                self.assertEqual(self.told(), told)
            self.assertEqual(self.memory.connections, [])

    def test_ids(self) -> None:
        """An id and None let the client in, also out of a coroutine."""
        for expected in ("users:1", "", None):

            async def connect(
                params: Any, socket: Socket, expected: str | None = expected
            ) -> str | None:
                return expected

            self.start(connect=connect)
            self.open()
            self.assertEqual(self.memory.connections[0].socket.id, expected)

    def test_crash_on_purpose(self) -> None:
        """What connect raises is HTTP 500, and no error of the test."""
        self.start(connect=lambda params, socket: params["nothing"])
        self.assertEqual(self.answered(self.ask("GET")).status, 500)
        self.assertEqual(self.flushLoggedErrors(), [])


class JoinTests(KitTestCase):
    """What ``join`` answers."""

    def joined(self, answer: Any) -> Any:
        """Join a channel that answers so, and return the reply."""

        class Answering(ServerChannel):
            def join(self, params: Any) -> Any:
                return answer

        self.serve({"t": Answering})
        return self.talker().join("t")

    def test_responses(self) -> None:
        """Any JSON is the response, also what looks like a decision."""
        for answer, response in (
            ("text", "text"),
            (0, 0),
            ([], []),
            (False, False),
            (ok(False), False),
            (ok((1, 2)), [1, 2]),
        ):
            expected = {"status": "ok", "response": response}
            self.assertEqual(self.joined(answer), expected)

    def test_echo(self) -> None:
        """The demonstration's echo gives back any params."""
        self.serve({"t": EchoChannel})
        expected = {"status": "ok", "response": False}
        self.assertEqual(self.talker().join("t", False), expected)


class AsynchronousTests(KitTestCase):
    """Hooks that nobody waits for."""

    def test_after_join(self) -> None:
        """An async def crashes the channel, and says what is wrong with it."""

        class Room(ServerChannel):
            async def after_join(self) -> None:  # type: ignore[override]
                raise AssertionError("nothing of it runs")

        self.serve({"t": Room})
        heard = self.talker().say("1", "1", "t", "phx_join", {})
        self.assertEqual([message[3] for message in heard], ["phx_reply", "phx_error"])
        self.assert_told("after_join must not be an async def")

    def test_terminate(self) -> None:
        """An async def is told of as well where the channel has ended."""

        class Room(ServerChannel):
            async def terminate(self, reason: str) -> None:  # type: ignore[override]
                raise AssertionError("nothing of it runs")

        self.serve({"t": Room})
        client = self.talker()
        client.join("t")
        client.say("1", "2", "t", "phx_leave", {})
        self.assert_told("terminate must not be an async def")

    def test_call_later(self) -> None:
        """An async def that is to be called later crashes the channel too."""

        class Room(ServerChannel):
            def after_join(self) -> None:
                self.call_later(1, self.later)

            async def later(self) -> None:
                raise AssertionError("nothing of it runs")

        self.serve({"t": Room})
        client = self.talker()
        client.join("t")
        self.memory.advance(1)
        self.assertEqual([message[3] for message in client.heard()], ["phx_error"])
        self.assert_told("the action of call_later must not be an async def")

    def assert_told(self, words: str) -> None:
        """One error was logged, and it begins so."""
        [failure] = self.flushLoggedErrors(TypeError)
        self.assertTrue(failure.getErrorMessage().startswith(words), failure)


class SignatureTests(SynchronousTestCase):
    """Hooks that cannot be called as the server calls them are refused at once."""

    def test_connect(self) -> None:
        """The error says what connect must take."""
        for connect, words in (
            (lambda params: None, "connect must take (params, socket): too many"),
            (
                lambda params, socket, info: None,
                "connect must take (params, socket): missing a required argument: ",
            ),
            (True, "connect must be a callable of params and socket, not True"),
        ):
            for make in (MemoryServer, PhoenixServer):
                self.assert_refused(words, make, {}, connect=connect)
            self.assert_refused(
                words, MemoryServer({}).add_socket, "/b", connect=connect
            )

    def test_connect_of_any_kind(self) -> None:
        """What can be called with both is taken, and what nobody can look into."""

        def decorated(connect: Any) -> Any:
            @wraps(connect)
            def wrapper(*args: Any) -> Any:
                return connect(*args, "more")

            return wrapper

        @decorated
        def connect(params: Any, socket: Socket, more: str) -> None:
            pass

        for taken in (connect, lambda *_: None, min, None):
            MemoryServer({}, connect=taken)

    def test_methods(self) -> None:
        """The error names the method and what it must take."""

        class Joining(ServerChannel):
            def join(self) -> None:  # type: ignore[override]
                pass

        class Handling(ServerChannel):
            def handle_in(self, event: str) -> None:  # type: ignore[override]
                pass

        class Ending(ServerChannel):
            def terminate(self) -> None:  # type: ignore[override]
                pass

        class After(ServerChannel):
            def after_join(self, params: Any) -> None:  # type: ignore[override]
                pass

        for channel_class, must in (
            (Joining, "join must take (self, params): too many"),
            (Handling, "handle_in must take (self, event, payload): too many"),
            (Ending, "terminate must take (self, reason): too many"),
            (After, "after_join must take (self): missing a required argument"),
        ):
            words = f"{channel_class.__qualname__}.{must}"
            self.assert_refused(words, MemoryServer, {"t": channel_class})

    def test_methods_of_any_kind(self) -> None:
        """A static method, and one with more that has defaults, are taken."""

        class Room(ServerChannel):
            @staticmethod
            def join(params: Any) -> None:
                pass

            def handle_in(self, event: str, payload: Any, more: int = 0) -> None:
                pass

            def terminate(self, *args: Any) -> None:
                pass

        MemoryServer({"t": Room})

    def test_no_class(self) -> None:
        """A channel in the place of its class is refused."""
        self.assert_refused(
            "channels['t'] must be a subclass of ServerChannel, not a value of type "
            "EchoChannel",
            MemoryServer,
            {"t": EchoChannel()},
        )

    def assert_refused(self, words: str, make: Any, *args: Any, **options: Any) -> None:
        """The error begins with these words."""
        fault = self.assertRaises(TypeError, make, *args, **options)
        self.assertTrue(str(fault).startswith(words), fault)
