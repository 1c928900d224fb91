"""Puts our clients into the situations of a recording, against a server on a script.

::

    class PresenceTests(ReplayTestCase):
        @replays("presence")
        def test_presence(self, replay):
            replay.play_rest()
            ...                          # what must hold besides

What each frame must be and bring about is said by :mod:`.replayed_client`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.protocol.event_names import PHX_CLOSE, PHX_ERROR, PHX_REPLY

from .recorded_frames import read_frame
from .recordings import (
    Closed,
    Control,
    Handshake,
    Happening,
    Pong,
    Remark,
    WireFrame,
    recording,
)
from .replayed_client import ReplayedClient
from .scripted_server import ScriptedServer
from .wire_client import PONG

__all__ = ["CONVERSATION", "Replay", "ReplayTestCase", "replays"]

CONVERSATION = (
    "heartbeat",
    "join, then pushes",
    "stale join_ref",
    "payload of other types",
    "binary: layouts (push 00 -> reply 01, push 00, broadcast 02)",
    "unmatched topic: join; push to a topic never joined; leave of one never joined",
    "second join of a joined topic",
    "leave with a stale join_ref, then a right one",
    "stop, stop_reply, stop_shutdown, stop_error, crash, unknown event",
    "room joins",
    "a slow join holds the whole socket: heartbeat 0.2 s after it",
)
"""The sections that follow each other on one connection, but for one that our client
never gets into."""

_PROTOCOL_EVENTS = {PHX_REPLY, PHX_CLOSE, PHX_ERROR}


class Replay:
    """One section of a recording, and our clients in the place of its clients.

    :param test: fails if anything is not as recorded.
    :param flavour: the recording.
    :param title: the section.
    :param options: of the clients.
    :ivar server: the scripted server, whose handshake is the recorded one.
    :ivar rest: what of the section has not been played.
    """

    def __init__(
        self, test: SynchronousTestCase, flavour: str, title: str, **options: Any
    ) -> None:
        self.flavour = flavour
        self.section = recording(flavour).section(title)
        self.rest: list[Happening] = list(self.section.happenings)
        handshake = recording(flavour).section("handshake, raw").happenings[0]
        assert isinstance(handshake, Handshake)
        self.server = ScriptedServer(handshake)
        self.clients: dict[str, ReplayedClient] = {}
        self._test = test
        self._options = options

    def client(self, name: str = "", **options: Any) -> ReplayedClient:
        """The client of that name, which connects when it is first asked for.

        :param options: of that client.
        """
        client = self.clients.get(name)
        if client is None:
            client = self.clients[name] = ReplayedClient(
                self._test,
                self.server,
                _server_events(self.flavour),
                **self._options,
                **options,
            )
        return client

    def fresh_client(self) -> ReplayedClient:
        """Another client, in the place of the last one."""
        for client in self.clients.values():
            self._stop(client)
        self.clients.clear()
        return self.client()

    def catch_up(self) -> None:
        """Play the sections that came before this one on the same connection."""
        for title in CONVERSATION[: CONVERSATION.index(self.section.title)]:
            self.play_section(title)

    def play_section(self, title: str) -> None:
        """Play another section."""
        self.play(recording(self.flavour).section(title).happenings)

    def step(self) -> Happening:
        """Play what comes next."""
        happening = self.rest.pop(0)
        self.play([happening])
        return happening

    def play_rest(self) -> None:
        """Play all that comes next."""
        while self.rest:
            self.step()

    def take_rest(self) -> list[Happening]:
        """Take all that comes next, to do it otherwise."""
        rest, self.rest = self.rest, []
        return rest

    def hold_back(self, event: str) -> WireFrame:
        """Take out the next frame of the server that has this event."""
        for happening in self.rest:
            match happening:
                case WireFrame(is_sent_by_server=True):
                    if read_frame(happening).event == event:
                        self.rest.remove(happening)
                        return happening
        raise LookupError(event)

    def play(self, happenings: Iterable[Happening]) -> None:
        """Play these."""
        for happening in happenings:
            match happening:
                case WireFrame(is_sent_by_server=False):
                    self.client(happening.client).send(happening)
                case WireFrame():
                    self.client(happening.client).receive(happening)
                case Closed():
                    self.client(happening.client).lose(happening.code)
                case Pong():
                    connection = self.client(happening.client).connection
                    connection.send_frame(PONG, happening.payload)
                case _:
                    # What else the recorder did is the server's business.
                    self._test.assertIsInstance(happening, Control | Remark)

    def finish(self) -> None:
        """See that all has been played, and that the clients end in good order."""
        self._test.assertEqual(self.rest, [])
        for client in self.clients.values():
            self._stop(client)
        self._test.assertEqual(self.server.clock.getDelayedCalls(), [])

    def _stop(self, client: ReplayedClient) -> None:
        stopped = client.client.stopService()
        self.server.flush()
        self._test.successResultOf(stopped)
        client.check_outcomes()


@cache
def _server_events(flavour: str) -> frozenset[str]:
    """The events that are for hooks, of all that the recorded server sent."""
    frames = [
        frame
        for section in recording(flavour).sections
        for frame in section.frames()
        if frame.is_sent_by_server
    ]
    return frozenset(read_frame(frame).event for frame in frames) - _PROTOCOL_EVENTS


if TYPE_CHECKING:
    _TestCase = SynchronousTestCase
else:
    _TestCase = object


class ReplayTestCase(_TestCase):
    """Tests that are to be mixed with a test case for each recording."""

    flavour: ClassVar[str]


_T = TypeVar("_T", bound=ReplayTestCase)


def replays(
    title: str, **options: Any
) -> Callable[[Callable[[_T, Replay], None]], Callable[[_T], None]]:
    """Make a test of a method that is given the replay of a section, and plays it all.

    The test's attribute ``replayed_section`` is the title.

    :param options: of the clients.
    """

    def decorate(method: Callable[[_T, Replay], None]) -> Callable[[_T], None]:
        def test(case: _T) -> None:
            replay = Replay(case, case.flavour, title, **options)
            method(case, replay)
            replay.finish()

        test.__name__ = method.__name__
        test.__qualname__ = method.__qualname__
        test.__doc__ = method.__doc__
        test.replayed_section = title  # type: ignore[attr-defined]
        return test

    return decorate
