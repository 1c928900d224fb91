"""The command ``demo``: the main job, shown step by step.

A server and two users run in one process and talk over TCP.
Each step waits for what it is about and checks it; nothing sleeps.
"""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..channels.channel import Channel
from ..channels.presence import Presence
from ..client.socket_client import SocketClient
from ..errors import PhoenixError, PushError
from ..protocol.close_codes import NO_CLOSE_FRAME
from ..runtime.elapsed import elapsed_time
from ..runtime.package_log import package_log
from ..runtime.remover import Remover
from ..testing import ChatRoom, EchoChannel, PhoenixServer, ServerChannel
from ..testing.presence import PresenceChannel
from .output import OK, CommandError, Terminal, as_json, this_program

__all__ = ["Demo", "DemoRoom", "run_demo"]

log = Logger("txphoenix.cli_demo", observer=package_log)

_TOPIC = "rooms:lobby"

# The columns of a step's title, so that a step fits on a terminal of 80.
_TITLE_WIDTH = 66

Step = Callable[[], Awaitable[str]]
"""Does something, checks it, and returns what there is to see of it."""


async def run_demo(
    reactor: IReactorTime,
    args: Namespace,
    terminal: Terminal,
    demo: Demo | None = None,
) -> int:
    """Show the steps.

    :param demo: what is shown.
    :raises CommandError: a step has failed; those after it are not tried.
    """
    demo = demo or Demo(reactor)
    elapsed = elapsed_time(reactor)
    began = elapsed()
    deadline = began + args.timeout
    terminal.write(
        terminal.paint("A Phoenix server and two users, Ann and Bob, over TCP", "bold")
    )
    terminal.write()
    try:
        for number, (title, step) in enumerate(demo.steps, 1):
            left = deadline - elapsed()
            await _show(reactor, terminal, number, title, step, left)
    finally:
        await demo.stop()
    seconds = elapsed() - began
    terminal.write()
    terminal.write(f"All {len(demo.steps)} steps have worked, in {seconds:.2f} s.")
    serve = shlex.join([*this_program(), "serve"])
    terminal.write(f"To try things yourself, start the server: {serve}")
    return OK


async def _show(
    reactor: IReactorTime,
    terminal: Terminal,
    number: int,
    title: str,
    step: Step,
    seconds: float,
) -> None:
    """Do a step, and show how it went.

    :param seconds: how long it may take.
    """
    # The title comes first, to tell what is waited for.
    terminal.write(f"{number:2}  {title} ".ljust(_TITLE_WIDTH, "."), end=" ")
    elapsed = elapsed_time(reactor)
    began = elapsed()
    try:
        seen = await _in_time(reactor, step, seconds)
    except CommandError as error:
        terminal.write(terminal.paint(terminal.either("\N{BALLOT X}", "no"), "red"))
        raise CommandError(f"step {number} ({title}) failed: {error}") from None
    milliseconds = (elapsed() - began) * 1000
    mark = terminal.paint(terminal.either("\N{CHECK MARK}", "ok"), "green")
    terminal.write(f"{mark} {milliseconds:4.0f} ms")
    terminal.write(terminal.paint(f"      {seen}", "dim"))


async def _in_time(reactor: IReactorTime, step: Step, seconds: float) -> str:
    """Do a step within so many seconds.

    :raises CommandError: it has failed, or has taken too long.
    """
    doing = Deferred.fromCoroutine(_do(step))
    timer = reactor.callLater(max(0.0, seconds), doing.cancel)
    try:
        return await doing
    except CancelledError:
        if timer.active():
            # Not the timer but the user has cancelled it.
            raise
        raise CommandError("what should happen has not happened in time") from None
    finally:
        if timer.active():
            timer.cancel()


async def _do(step: Step) -> str:
    try:
        return await step()
    except (CancelledError, CommandError):
        raise
    except PhoenixError as error:
        raise CommandError(str(error)) from None
    except Exception as error:
        log.failure("a step of the demonstration raised")
        raise CommandError(f"{type(error).__name__}: {error}") from None


class DemoRoom(ChatRoom, PresenceChannel):
    """A chat room that knows who is in it."""

    def after_join(self) -> None:
        """Tell the others, and the newcomer who is here."""
        super().after_join()
        self.track(self.user, {"device": "terminal"})
        self.push_presence_state()


class Demo:
    """What is shown: a server, its users, and what they do.

    :param reactor: the reactor.
    :param room: the server's channels under ``rooms:*``.
    """

    def __init__(
        self, reactor: IReactorTime, room: type[ServerChannel] = DemoRoom
    ) -> None:
        self._reactor = reactor
        self._elapsed = elapsed_time(reactor)
        self._server = PhoenixServer(
            {"rooms:*": room, "echo:*": EchoChannel},
            connect=lambda params, socket: params["user_id"],
            reactor=reactor,
        )
        self._clients: list[SocketClient] = []
        self._lost_at = 0.0
        self._kept_push: Deferred[Any] | None = None

    @property
    def steps(self) -> list[tuple[str, Step]]:
        """Title and action of each step, in their order."""
        return [
            ("A server starts", self._start_server),
            ("Ann connects", self._connect),
            ("Ann joins rooms:lobby", self._join),
            ("Ann pushes a message, and gets the reply", self._push),
            ("Ann pushes nonsense, and gets the error", self._push_nonsense),
            ("Bob connects and joins; Ann is told", self._bob_joins),
            ("Bob pushes a message; Ann gets it as well", self._broadcast),
            ("Ann sees who is in the room", self._see_presence),
            ("Ann sends bytes, and gets bytes back", self._send_bytes),
            ("Ann loses her connection, on purpose", self._lose_connection),
            ("Ann pushes all the same; the push is kept", self._push_while_away),
            ("The client connects again by itself", self._reconnect),
            ("The client joins rooms:lobby again by itself", self._rejoin),
            ("The kept push is sent, and its reply comes", self._get_kept_reply),
            ("Ann leaves; Bob is told", self._leave),
            ("All disconnect, and the server stops", self._stop_all),
        ]

    async def stop(self) -> None:
        """Clean up, also in the middle of it."""
        if self._kept_push is not None:
            # It may not have been waited for.
            self._kept_push.addErrback(lambda _: None)
        for client in self._clients:
            await client.stopService()
        await self._server.stop()

    # -- The steps ----------------------------------------------------------------

    async def _start_server(self) -> str:
        await self._server.start()
        return f"it listens at {self._server.url}"

    async def _connect(self) -> str:
        self._ann = await self._new_user("ann")
        round_trip = await self._ann.ping()
        return f"await client.ping() -> {round_trip:.4f}"

    async def _join(self) -> str:
        self._ann_in_room = self._ann.channel(_TOPIC)
        # Before the join, so as to see all that comes.
        self._presence = Presence(self._ann_in_room)
        return f"await channel.join() -> {as_json(await self._ann_in_room.join())}"

    async def _push(self) -> str:
        payload = {"body": "Anyone here?"}
        response = await self._ann_in_room.push("new_msg", payload)
        return (
            f'await channel.push("new_msg", {as_json(payload)}) -> {as_json(response)}'
        )

    async def _push_nonsense(self) -> str:
        try:
            await self._ann_in_room.push("new_msg", {})
        except PushError as error:
            return f'await channel.push("new_msg", {{}}) -> PushError: {error.reason}'
        raise CommandError("expected a PushError, but the server said ok")

    async def _bob_joins(self) -> str:
        told = _next_event(self._ann_in_room, "user_joined")
        self._bob = await self._new_user("bob")
        _, self._bob_in_room = await self._bob.join(_TOPIC)
        payload = _expect(await told, {"user_id": "bob"})
        return f'channel.on("user_joined", f) -> f({as_json(payload)})'

    async def _broadcast(self) -> str:
        message = _next_event(self._ann_in_room, "new_msg")
        await self._bob_in_room.push("new_msg", {"body": "Hello, Ann"})
        payload = _expect(await message, {"user_id": "bob", "body": "Hello, Ann"})
        return f'channel.on("new_msg", f) -> f({as_json(payload)})'

    async def _see_presence(self) -> str:
        presence = self._presence
        while set(presence.state) != {"ann", "bob"}:
            await _next_call(presence.on_sync)
        return f"list(Presence(channel).state) -> {as_json(list(presence.state))}"

    async def _send_bytes(self) -> str:
        sent = bytes(range(256))
        _, channel = await self._ann.join("echo:bytes")
        received = _expect(await channel.push("echo", sent), sent)
        await channel.leave()
        return f'await channel.push("echo", bytes) -> {len(received)} bytes'

    async def _lose_connection(self) -> str:
        lost = _next_call(self._ann.on_close)
        # The server ends the TCP connection without a word.
        self._server.drop("ann")
        reason = await lost
        self._lost_at = self._elapsed()
        code = _expect(reason.code, NO_CLOSE_FRAME)
        return f"client.on_close(f) -> f({type(reason).__name__}, code {code})"

    async def _push_while_away(self) -> str:
        self._kept_push = self._ann_in_room.push("new_msg", {"body": "Back soon"})
        _expect(self._kept_push.called, False)
        return f'channel.push("new_msg", ...); channel.state is "{self._state()}"'

    async def _reconnect(self) -> str:
        await self._ann.when_connected()
        seconds = self._elapsed() - self._lost_at
        return f"client.connected is {self._ann.connected}, {seconds:.2f} s later"

    async def _rejoin(self) -> str:
        await self._ann.channels.when_settled()
        return f'channel.state is "{_expect(self._state(), "joined")}"'

    async def _get_kept_reply(self) -> str:
        return (
            f"its Deferred fires: {as_json(await cast(Deferred[Any], self._kept_push))}"
        )

    async def _leave(self) -> str:
        told = _next_event(self._bob_in_room, "user_left")
        await self._ann_in_room.leave()
        payload = _expect(await told, {"user_id": "ann"})
        return f'await channel.leave(); Bob gets "user_left", {as_json(payload)}'

    async def _stop_all(self) -> str:
        await self.stop()
        _expect(self._server.connections, [])
        return "await client.stopService(); no connection is left"

    # -- Parts of the steps -------------------------------------------------------

    def _state(self) -> str:
        return str(self._ann_in_room.state)

    async def _new_user(self, name: str) -> SocketClient:
        client = SocketClient(
            self._server.url, params={"user_id": name}, reactor=self._reactor
        )
        self._clients.append(client)
        client.startService()
        return await client.when_connected(fail_after_failures=1)


def _next_call(add_hook: Callable[[Callable[..., Any]], Remover]) -> Deferred[Any]:
    """Wait for a hook to be called.

    :return: a Deferred of what it is called with, None if that is nothing.
    """
    called: Deferred[Any] = Deferred(lambda _: remove())

    def take(value: Any = None) -> None:
        remove()
        called.callback(value)

    remove = add_hook(take)
    return called


def _next_event(channel: Channel, event: str) -> Deferred[Any]:
    """Wait for an event.

    :return: a Deferred of its payload.
    """
    return _next_call(lambda take: channel.on(event, take))


def _expect(actual: Any, expected: Any) -> Any:
    """Check a value.

    :return: the value.
    :raises CommandError: it is another.
    """
    if actual != expected:
        raise CommandError(f"expected {expected!r:.200}, not {actual!r:.200}")
    return actual
