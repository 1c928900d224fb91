"""What the log has of a hook that raises: its function, its topic and its event."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Message, Presence
from txphoenix.channels.echo_room import EchoRoom
from txphoenix.errors import NotConnected, PushInterrupted
from txphoenix.runtime.callable_names import qualified_name

from .support import TOPIC, ClientTestCase

HERE = "txphoenix.test.test_hook_log"
SECRET = "s3cret"


def broken(*_args: Any) -> None:
    """Raise at once."""
    raise ZeroDivisionError


async def broken_later(*_args: Any) -> None:
    """Raise out of a coroutine."""
    raise ZeroDivisionError


class Listener:
    """Has methods that raise."""

    def __repr__(self) -> str:
        return SECRET

    def __call__(self, *_args: Any) -> None:
        """Raise."""
        raise ZeroDivisionError

    def take(self, payload: Any) -> None:
        """Raise."""
        raise ZeroDivisionError


class HookLogTests(ClientTestCase):
    """Hooks of all kinds, each of which raises."""

    def raised(self, captured: Any) -> list[str]:
        """The lines of the level error; all other lines are of less."""
        self.flushLoggedErrors(ZeroDivisionError)
        for event in captured:
            self.assertNotIn(SECRET, formatEvent(event))
        return [
            formatEvent(each) for each in captured if each["log_level"] > LogLevel.warn
        ]

    def test_events(self) -> None:
        """By topic, event and function, on the short way of messages and the long."""
        hooks: list[tuple[Any, str]] = [
            (broken, f"{HERE}.broken"),
            (broken_later, f"{HERE}.broken_later"),
            (Listener().take, f"{HERE}.Listener.take"),
            (partial(broken, SECRET), f"{HERE}.broken"),
            (Listener(), f"{HERE}.Listener"),
        ]
        for is_long in (False, True):
            client = self.connected_client()
            if is_long:
                client.on_message(lambda message: None)
            channel = self.joined_channel(client=client)
            for hook, name in hooks:
                with self.subTest(name=name, is_long=is_long):
                    remove = channel.on("new_msg", hook)
                    with capturedLogs() as captured:
                        payload = {"body": SECRET}
                        self.server_sends(None, None, TOPIC, "new_msg", payload)
                    remove()
                    [line] = self.raised(captured)
                    self.assertEqual(line, f"{TOPIC}: hook {name} for new_msg raised")
                    [event] = [it for it in captured if "log_failure" in it]
                    self.assertEqual(
                        (event["topic"], event["event"], event["callback"]),
                        (TOPIC, "new_msg", name),
                    )
                    self.assertIs(event["log_level"], LogLevel.error)
            self.stop_client(client)

    def test_handle_in(self) -> None:
        """An object is named by its class and method."""
        channel = self.joined_channel()

        class Taker:
            def handle_in(self, event: str, payload: Any) -> None:
                raise ZeroDivisionError(event)

        channel.on("new_msg", Taker())
        with capturedLogs() as captured:
            self.server_sends(None, None, TOPIC, "new_msg", {"body": SECRET})
        [line] = self.raised(captured)
        self.assertIn("Taker.handle_in for new_msg raised", line)

    def test_channel(self) -> None:
        """Those of a channel itself, by their kind."""
        channel: Any = self.joined_channel(channel_class=EchoRoom)
        channel.on_error(broken)
        channel.on_close(broken_later)
        channel.forward_to(broken)
        with capturedLogs() as captured:
            self.server_sends(None, None, TOPIC, "new_msg", {"body": SECRET})
            self.lose_connection()
            self.reconnect()
            channel.stop()
        self.assertEqual(
            self.raised(captured),
            [
                f"{TOPIC}: hook {HERE}.broken for forward_to raised",
                f"{TOPIC}: hook {HERE}.broken for on_error raised",
                f"{TOPIC}: hook {HERE}.broken_later for on_close raised",
            ],
        )

    def test_methods(self) -> None:
        """Methods of a class that are no crash are named alike."""

        class Room(EchoRoom):
            def handle_close(self, reason: object) -> None:
                raise ZeroDivisionError(reason)

            def startService(self) -> None:
                super().startService()
                raise ZeroDivisionError

        errors: list[BaseException] = []
        with capturedLogs() as captured:
            channel = self.joined_channel(channel_class=Room)
            channel.on_error(errors.append)
            channel.stop()
        self.assertEqual((channel.state, errors), ("closed", []))
        starts, closes = self.raised(captured)
        self.assertIn("Room.startService for startService raised", starts)
        self.assertIn("Room.handle_close for handle_close raised", closes)

    def test_presence(self) -> None:
        """Those of a Presence, by their kind, at once and when it is told."""
        channel = self.joined_channel()
        ann = {"ann": {"metas": [{"phx_ref": "1", "token": SECRET}]}}
        with capturedLogs() as captured:
            for is_late in (False, True):
                presence = Presence(channel)
                presence.on_join(broken)
                presence.on_sync(Listener())
                if not is_late:
                    self.server_sends(None, None, TOPIC, "presence_state", ann)
                presence.stop()
            presence = Presence(channel)
            presence.on_leave(broken_later)
            self.server_sends(
                None, None, TOPIC, "presence_diff", {"joins": {}, "leaves": ann}
            )
        expected = [("broken", "join"), ("Listener", "sync")] * 2
        expected.append(("broken_later", "leave"))
        self.assertEqual(
            self.raised(captured),
            [
                f"{TOPIC}: hook {HERE}.{name} for Presence.on_{kind} raised"
                for name, kind in expected
            ],
        )

    def test_client(self) -> None:
        """Those of a client, by its name, or else by its URL without secrets."""
        for options, name in (
            ({"name": "chat"}, "chat"),
            (
                {"url": self.memory.url + f"?token={SECRET}"},
                f"{self.memory.url}?token=[redacted]",
            ),
        ):
            with self.subTest(name=name), capturedLogs() as captured:
                client = self.make_client(**options)
                for kind in ("open", "message", "error", "close"):
                    getattr(client, f"on_{kind}")(broken)
                client.startService()
                self.memory.flush()
                self.memory.sessions[-1].send(Message(None, None, "a", "b", SECRET))
                self.memory.flush()
                self.memory.is_listening = False
                self.memory.drop()
                self.memory.advance(0.6)
                self.memory.is_listening = True
                self.stop_client(client)
            kinds = ("open", "message", "close", "error")
            self.assertEqual(
                self.raised(captured),
                [f"{name}: hook {HERE}.broken for on_{kind} raised" for kind in kinds],
            )

    def test_ended_early(self) -> None:
        """One that was cut short is named, too, in one line and no traceback."""
        channel = self.joined_channel()
        channel.on("a", lambda _: fail(PushInterrupted(None, TOPIC, "ask")))
        channel.on("b", lambda _: fail(NotConnected()))
        with capturedLogs() as captured:
            self.server_sends(None, None, TOPIC, "a", {})
            self.server_sends(None, None, TOPIC, "b", {})
        first, second = captured
        self.assertIs(first["log_level"], LogLevel.info)
        self.assertIs(second["log_level"], LogLevel.warn)
        for event, name in ((first, "a"), (second, "b")):
            text = formatEvent(event)
            self.assertIn(f"{TOPIC}: hook {HERE}.HookLogTests.test_ended_early", text)
            self.assertIn(f" for {name} ended early: ", text)
            self.assertNotIn("log_failure", event)
            self.assertEqual((event["topic"], event["event"]), (TOPIC, name))


class NameTests(SynchronousTestCase):
    """What callables are called."""

    def test_names(self) -> None:
        """By module and qualified name; nothing that they hold is shown."""

        class Odd:
            __qualname__ = "x" * 1000

            def __getattribute__(self, name: str) -> Any:
                raise RuntimeError(name)

            def __call__(self) -> None:
                """Do nothing."""

        for function, name in (
            (broken, f"{HERE}.broken"),
            (Listener().take, f"{HERE}.Listener.take"),
            (Listener(), f"{HERE}.Listener"),
            (Listener, f"{HERE}.Listener"),
            (partial(partial(broken, SECRET), SECRET), f"{HERE}.broken"),
            ([].append, "list.append"),
            (print, "print"),
            (Deferred().callback, "twisted.internet.defer.Deferred.callback"),
        ):
            self.assertEqual(qualified_name(function), name)
        self.assertLess(len(qualified_name(Odd())), 300)
