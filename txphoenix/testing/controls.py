"""What a server in a test can be told, and what can be waited for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, succeed

from txphoenix.protocol.close_codes import SERVICE_RESTART
from txphoenix.protocol.message import Message

from .attendance import Attendance
from .codec import encoded
from .connect import Socket
from .flavour import Flavour
from .presence_tracker import PresenceTracker
from .process import RunChannel
from .waits import Waits

__all__ = ["ControlledChannel", "ControlledSession", "Controls"]


class ControlledSession(Protocol):
    """A client's session, as the server's controls see it."""

    @property
    def socket(self) -> Socket:
        """What is known of the client."""

    def close(self, code: int) -> None:
        """Close the connection, after what is in the mailbox."""

    def drop(self) -> None:
        """End the connection at once and without a close frame."""

    def work(self) -> None:
        """Take on what waits in the mailbox."""


class ControlledChannel(RunChannel, Protocol):
    """A channel, as the server's controls see it."""

    def crash(self, reason: str = "killed") -> None:
        """End the channel as a crash does."""


_Channel = TypeVar("_Channel", bound=ControlledChannel)
_Session = TypeVar("_Session", bound=ControlledSession)


class Controls(Generic[_Channel, _Session]):
    """The clients and topics of a server, its controls, and who waits for what happens.

    :param flavour: how the server's Phoenix speaks.
    :ivar refusal_answers: the headers and the body of refusals, by transport.
    """

    def __init__(self, flavour: Flavour) -> None:
        self.flavour = flavour
        self.is_paused = False
        self.presence = PresenceTracker(self.broadcast)
        self._refusals: dict[str | None, int | None] = {}
        self.refusal_answers: dict[str | None, tuple[Mapping[str, str], bytes]] = {}
        self._sessions: dict[_Session, None] = {}
        self._waits = Waits()
        self.attendance: Attendance[_Channel] = Attendance(self.presence, self._waits)
        self._resumed: list[Deferred[None]] = []

    @property
    def connections(self) -> list[_Session]:
        """The connected clients, the oldest first."""
        return list(self._sessions)

    def channels(self, topic: str | None = None) -> list[_Channel]:
        """The joined channels, of one topic or all."""
        topics = list(self.attendance.topics) if topic is None else [topic]
        return [
            process.channel
            for it in topics
            for process in self.attendance.topics.get(it, ())
        ]

    def broadcast(
        self, topic: str, event: str, payload: Any, sender: _Channel | None = None
    ) -> int:
        """Send a message to all who have joined a topic.

        :param sender: a channel that is left out.
        :return: how many it was sent to.
        :raises CodecError: the payload cannot be encoded.
        """
        message = Message(None, None, topic, event, payload)
        # Two codecs of one class may differ.
        frames: dict[int, tuple[bytes, bool]] = {}
        receivers = [
            process
            for process in self.attendance.topics.get(topic, ())
            if process.channel is not sender
        ]
        for process in receivers:
            codec = process.session.codec
            frame = frames.get(id(codec))
            if frame is None:
                frame = frames[id(codec)] = encoded(codec, message)
            process.session.send_frame(*frame)
        return len(receivers)

    def kick(self, id: str) -> int:
        """Close the connections of that id, as a ``disconnect`` broadcast to it does.

        :return: how many there were.
        """
        return self._each(id, lambda it: it.close(self.flavour.kick_code))

    def drop(self, id: str | None = None) -> int:
        """End connections without a close frame, of that id or all.

        :return: how many there were.
        """
        return self._each(id, lambda it: it.drop())

    def drain(self, id: str | None = None) -> int:
        """Close connections with 1012, of that id or all, as a deploy does.

        :return: how many there were.
        """
        return self._each(id, lambda it: it.close(SERVICE_RESTART))

    def kill_channel(self, topic: str) -> int:
        """Kill all channels of a topic: their clients get ``phx_error``.

        :return: how many there were.
        """
        killed = self.channels(topic)
        for channel in killed:
            channel.crash()
        return len(killed)

    def pause(self) -> None:
        """Answer nothing any more: no frame, no ping, no close, no handshake.

        What comes and what is broadcast meanwhile waits for :meth:`resume`.
        """
        self.is_paused = True

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        self.is_paused = False
        waiting, self._resumed = self._resumed, []
        for deferred in waiting:
            deferred.callback(None)
        for session in self.connections:
            session.work()

    def when_resumed(self) -> Deferred[None]:
        """A Deferred that fires once the server is not paused."""
        if not self.is_paused:
            return succeed(None)
        deferred: Deferred[None] = Deferred()
        self._resumed.append(deferred)
        return deferred

    def refuse(
        self,
        status: int | None,
        transport: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes = b"",
        retry_after: float | str | None = None,
        location: str | None = None,
    ) -> None:
        """Answer each handshake with that HTTP status; ``None`` takes clients again.

        :param transport: ``"websocket"`` or ``"longpoll"`` for one of them alone.
        :param headers: those of the answer, beside the server's own.
        :param body: the body of the answer; a text is sent as UTF-8.
        :param retry_after: the value of ``Retry-After``.
        :param location: where a redirect leads: the value of ``Location``.
        """
        self._refusals[transport] = status
        self.refusal_answers.pop(transport, None)
        if status is None:
            return
        lines = dict(headers or {})
        if retry_after is not None:
            lines["Retry-After"] = str(retry_after)
        if location is not None:
            lines["Location"] = location
        data = body.encode("utf-8") if isinstance(body, str) else body
        self.refusal_answers[transport] = lines, data

    def refusal_of(self, transport: str) -> int | None:
        """The HTTP status for handshakes of that transport, if they are refused."""
        return self._refusals.get(None) or self._refusals.get(transport)

    def _each(self, id: str | None, action: Callable[[_Session], None]) -> int:
        sessions = [it for it in self.connections if id is None or it.socket.id == id]
        for session in sessions:
            action(session)
        return len(sessions)

    # Waiting for what happens.

    def when_connected(self, count: int = 1) -> Deferred[_Session]:
        """A Deferred that fires once so many clients are connected.

        :return: it fires with the newest client's session.
        """
        if len(self._sessions) >= count:
            return succeed(self.connections[-1])
        return self._waits.wait("connected", lambda _: len(self._sessions) >= count)

    def when_disconnected(self) -> Deferred[_Session]:
        """A Deferred that fires with the next session that ends."""
        return self._waits.wait("disconnected", lambda _: True)

    def when_joined(self, topic: str) -> Deferred[_Channel]:
        """A Deferred that fires once a client has joined the topic.

        :return: it fires with the channel; with the newest, if it is joined already.
        """
        joined = self.channels(topic)
        if joined:
            return succeed(joined[-1])
        return self._waits.wait("joined", lambda channel: channel.topic == topic)

    def when_left(self, topic: str) -> Deferred[_Channel]:
        """A Deferred that fires with the next channel of the topic that ends."""
        return self._waits.wait("left", lambda channel: channel.topic == topic)

    def when_received(self, event: str, topic: str | None = None) -> Deferred[Message]:
        """A Deferred that fires with the next message of that event from a client.

        It fires as the message comes, before its channel is given it.
        """
        return self._waits.wait(
            "received",
            lambda it: it.event == event and (topic is None or it.topic == topic),
        )

    # What the sessions tell; what channels do is told to the attendance.

    def session_opened(self, session: _Session) -> None:
        """A client has connected."""
        self._sessions[session] = None
        self._waits.tell("connected", session)

    def session_lost(self, session: _Session) -> None:
        """A client's connection has ended."""
        self._sessions.pop(session, None)
        self._waits.tell("disconnected", session)
