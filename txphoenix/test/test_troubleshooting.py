"""The texts on the page about troubleshooting are those that are really said.

Of each section all texts are provoked, and what is said has a text there.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import warnings
from functools import partial
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, gatherResults
from twisted.internet.main import installReactor
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python import threadable
from twisted.python.reflect import namedAny
from twisted.scripts._twistd_unix import ServerOptions, checkPID
from twisted.trial.unittest import SynchronousTestCase
from twisted.trial.util import DirtyReactorAggregateError

from txphoenix import Channel, SocketClient
from txphoenix.aio.reactor import LoopReactor, _take, install
from txphoenix.errors import BufferFull, ConnectionClosed, HeartbeatTimeout
from txphoenix.runtime.reactor_thread import check_thread
from txphoenix.service.maker import Options as TwistdOptions

from .installed import EXTRAS
from .support import TOPIC, ClientTestCase, Room
from .troubleshooting_case import NOT_THERE, TroubleMixin, sections

URL = "ws://localhost:4000/socket"


class PageTests(SynchronousTestCase):
    """The page itself."""

    skip = NOT_THERE

    def test_sections(self) -> None:
        """Each section that has texts is held by a test of its name."""
        from . import test_troubleshooting_network

        classes = [ClientTests, SetUpTests, test_troubleshooting_network.NetworkTests]
        held = {name for each in classes for name in vars(each) if "test_" in name}
        wanted = {
            "test_" + title.lower().replace(" ", "_")
            for title, texts in sections().items()
            if texts
        }
        self.assertEqual(held, wanted)
        self.assertGreater(len(wanted), 9)


class Told(Room):
    """A channel of the server that does what the payload says."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Do it."""
        return super().handle_in(payload.get("do", "echo"), payload)


class ClientTests(TroubleMixin, ClientTestCase):
    """What a client and its channels say."""

    skip = NOT_THERE
    server_channels = {"rooms:*": Told}

    def say_failure(self, deferred: Deferred[Any]) -> None:
        """What a Deferred fails with was said; it has to fire."""
        super().say_failure(deferred)
        self.watch(deferred)

    def test_lost_connections(self) -> None:
        """Why connections are lost."""
        client = self.connected_client()
        client.on_close(self.say)
        self.memory.pause()
        self.memory.advance(41.0)
        self.memory.resume()
        self.reconnect()
        self.lose_connection()
        self.say_all(HeartbeatTimeout(10.0, 3600.0), ConnectionClosed(1012, "", True))
        self.assert_section("Lost connections")

    def test_joining(self) -> None:
        """Why joins fail."""
        client = self.make_client()
        self.say_failure(client.channel(TOPIC).join())
        self.memory.is_listening = False
        client.startService()
        channel = client.channel(TOPIC)
        self.say_failure(channel.join())
        self.memory.advance(6.0)
        self.memory.is_listening = True
        self.reconnect()
        self.memory.advance(60.0)
        self.say(repr(channel))
        self.say_raised(partial(getattr, channel, "status"))
        for reason in ("unmatched topic", "join crashed", "too many channels joined"):
            self.memory.refusal = {"reason": reason}
            self.say_failure(client.channel(TOPIC).join())
            self.memory.flush()
        self.memory.refusal = {"code": 7}
        self.say_failure(client.channel(TOPIC).join())
        self.memory.flush()
        self.memory.refusal = None
        self.memory.holds_joins = True
        self.say_failure(client.channel(TOPIC).join())
        self.say_failure(client.channel(TOPIC).join())
        self.memory.advance(6.0)
        self.assert_section("Joining")

    def test_pushing(self) -> None:
        """Why pushes fail."""
        client = self.connected_client(push_buffer=1, max_message_size=200)
        channel = client.channel(TOPIC)

        def push(payload: Any) -> None:
            self.say_failure(channel.push("new_msg", payload))
            self.memory.flush()

        joined = client.join("rooms:den")
        self.memory.flush()
        self.say_raised(partial(getattr, self.successResultOf(joined), "push"))
        push({})
        self.watch(channel.join())
        self.watch(channel.push("new_msg", {}))
        push({"the buffer": "is full"})
        self.say(BufferFull(16 * 2**20, TOPIC, "new_msg", "write_buffer"))
        push({"do": "refuse"})
        push({"do": "silent"})
        self.memory.advance(6.0)
        push({"no JSON": float("nan")})
        push({"too large": 200 * "x"})
        push({"do": "crash"})
        self.memory.advance(1.0)
        push({"do": "silent"})
        self.memory.is_listening = False
        self.lose_connection()
        push({})
        self.memory.advance(6.0)
        self.memory.is_listening = True
        self.watch(client.disconnect())
        push({})
        client.connect()
        self.memory.flush()
        self.watch(channel.leave())
        self.memory.flush()
        push({})
        self.assert_section("Pushing")

    def test_receiving(self) -> None:
        """What is not received is told in the log."""
        client = self.connected_client(receive_buffer=1)
        channel = client.channel(TOPIC, decoders={"typed": int})
        self.watch(channel.join())
        self.memory.flush()
        channel.on_error(self.say)
        with capturedLogs() as captured:
            self.memory.sessions[-1].send_frame(b"{}", False)
            for event in ("typed", "one", "two"):
                self.server_sends(None, None, TOPIC, event, {})
            self.watch(channel.receive())
            self.server_sends(None, None, TOPIC, "three", {})
        self.say_all(*map(formatEvent, captured))
        self.assert_section("Receiving")


async def main(*awaited: Any) -> None:
    """A program."""
    for each in awaited:
        await each


class SetUpTests(TroubleMixin, SynchronousTestCase):
    """What is said before anything connects, and by others."""

    skip = NOT_THERE

    def test_importing(self) -> None:
        """An extra, or a requirement, is missing; a reactor is there."""
        # The console does without its extra, and says so itself.
        for extra in EXTRAS.keys() - {"console"}:
            part, module = EXTRAS[extra]
            name = f"txphoenix.{part}"
            with mock.patch.dict(sys.modules, {module: None}):
                sys.modules.pop(name, None)
                self.say_raised(partial(import_module, name))
        with (
            mock.patch.dict(sys.modules),
            mock.patch.object(PathFinder, "find_spec", return_value=None),
        ):
            del sys.modules["service_identity"]
            self.say_raised(partial(import_module, "service_identity"))
        self.say_raised(partial(installReactor, reactor))
        self.assert_section("Importing")

    def test_options_and_arguments(self) -> None:
        """What is not as it must be."""

        def make(url: str = URL, **options: Any) -> SocketClient:
            return SocketClient(url, reactor=Clock(), **options)

        client = make()
        self.say_failure(client.channel(TOPIC).push("phx_leave"))
        self.say_raised(
            partial(make, tiemout=1),
            partial(make, timeout="5"),
            partial(make, "localhost:4000/socket"),
            partial(make, "ws://ann:secret@localhost/socket"),
            partial(make, exact_url=True, longpoll_fallback=1.0),
            partial(make, vsn="3.0.0"),
            partial(make, proxy="socks5://localhost:1080"),
            partial(setattr, client, "timeout", 1),
            partial(setattr, client, "on_close", print),
            partial(Channel, TOPIC),
        )
        self.patch(threadable, "ioThread", threading.get_ident())
        thread = threading.Thread(
            target=self.say_raised, args=[partial(check_thread, "push")]
        )
        thread.start()
        thread.join()
        self.assert_section("Options and arguments")

    def test_twistd(self) -> None:
        """What ``twistd`` says, and ``twistd txphoenix``."""
        rooms = ModuleType("my_rooms")
        rooms.Other = int  # type: ignore[attr-defined]
        path = Path(self.mktemp())
        path.write_text(str(os.getpid()), "ascii")
        self.say_raised(
            partial(ServerOptions().parseOptions, ["nonesuch"]),
            partial(TwistdOptions().parseOptions, []),
            partial(TwistdOptions().parseOptions, ["--url", URL, TOPIC]),
            partial(
                TwistdOptions().parseOptions,
                ["--url", URL, "--channel", "rooms:*=my_rooms.Room"],
            ),
            partial(checkPID, os.fspath(path)),
        )
        with mock.patch.dict(sys.modules, {"my_rooms": rooms}):
            self.say_raised(
                partial(
                    TwistdOptions().parseOptions,
                    ["--url", URL, "--channel", "rooms:*=my_rooms.Other"],
                )
            )
        self.assert_section("twistd")

    def test_asyncio(self) -> None:
        """What asyncio says, and :mod:`txphoenix.aio`."""
        loop, other = asyncio.new_event_loop(), asyncio.new_event_loop()
        self.addCleanup(other.close)
        self.addCleanup(loop.close)
        self.say_raised(
            lambda: loop.run_until_complete(main(Deferred())),
            install,
            LoopReactor().run,
            partial(_take, mock.Mock(loop=loop), other),
        )
        self.assert_section("asyncio")

    def test_twisted_and_tests(self) -> None:
        """What Twisted says, and Python of coroutines."""
        own = SelectReactor()
        own.callWhenRunning(self.say_raised, own.run)
        own.callWhenRunning(own.stop)
        own.run(installSignalHandlers=False)
        self.say_raised(partial(own.run, installSignalHandlers=False))
        with capturedLogs() as captured:
            fail(ValueError())
            gc.collect()
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.say(formatEvent(captured[0]))
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            forgotten = main()
            del forgotten
            gc.collect()
        self.say_all(*(str(each.message) for each in warned))
        self.say(DirtyReactorAggregateError([]))
        self.say_raised(partial(namedAny, "test_rooms"))
        self.say_failure(gatherResults([fail(ValueError())], consumeErrors=True))
        self.assert_section("Twisted and tests")
