"""What the parts of a channel ask of those that hold them, by role.

A part knows nobody who holds it.
It is given its holder all the same, and says here, or in its own module, how little of
that it asks for; who holds it has more, and is none of its business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from twisted.internet.defer import Deferred

from ..protocol.channel_states import Input, State
from ..protocol.message import Message
from ..runtime.deadlines import Deadlines
from .decoded_events import Decoders

__all__ = [
    "ChannelCallbacks",
    "ChannelConnection",
    "Member",
    "MessageQueue",
    "ObservedChannel",
    "Sender",
]


class ChannelConnection(Protocol):
    """What channels ask of the connection."""

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""

    @property
    def is_full(self) -> bool:
        """Whether ``write_buffer`` bytes wait to be written."""

    @property
    def is_wanted(self) -> bool:
        """Whether there is, or soon will be, a connection."""

    @property
    def withdraw(self) -> Callable[[int | None], bool]:
        """Take a message back by its mark; returns whether it had not left."""

    def next_ref(self) -> str:
        """Make the next ref."""

    def send(self, message: Message) -> int | None:
        """Send a message.

        :return: its mark.
        """

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make the frame of a message, for :meth:`write`."""

    def write(self, message: Message, data: bytes, is_binary: bool) -> int | None:
        """Send the frame of a message.

        :return: its mark.
        """

    def pause_reading(self) -> None:
        """Receive nothing until :meth:`resume_reading`."""

    def resume_reading(self) -> None:
        """Receive again."""


class ObservedChannel(Protocol):
    """A channel, as who is told what happens to it knows it."""

    @property
    def topic(self) -> str:
        """The topic."""

    @property
    def params(self) -> Any:
        """What its joins send, or what makes that."""


class ChannelCallbacks(ObservedChannel, Protocol):
    """What a channel's class says and overrides: what its inside reads and calls."""

    restart: ClassVar[str]
    presence_events: ClassVar[tuple[str, str]]
    decoders: ClassVar[Decoders]

    def init(self, params: Any) -> Any:
        """Begin anew."""

    def handle_join(self, response: Any) -> Any:
        """Be joined."""

    def handle_message(self, message: Message) -> Any:
        """Take a message that no hook takes."""

    def handle_close(self, reason: object) -> Any:
        """Be closed."""


class Member(Protocol):
    """A channel's inside, as its parts and those who keep its joins know it."""

    @property
    def channel(self) -> ObservedChannel:
        """The channel, for the log and for who observes."""

    @property
    def topic(self) -> str:
        """The channel's topic."""

    @property
    def state(self) -> State:
        """Which state of its life it is in."""

    def give(self, given: Input, *args: Any) -> None:
        """Go on to the next state, and do what follows."""

    def withdraw(self, reason: object) -> None:
        """Wait no more to join once the topic has been left."""


class MessageQueue(Protocol):
    """A bounded queue, as a channel's ``receive()`` has it."""

    dropped: int
    """How many messages were dropped because nobody read them."""

    def put(self, message: Message) -> None:
        """Give a message to who waits longest, or keep it."""

    def get(self) -> Deferred[Message]:
        """Take the oldest message, or wait for the next."""

    def interrupt(self, error: BaseException) -> None:
        """Fail all who wait now."""

    def close(self, error: BaseException) -> None:
        """Fail all who wait, and all who would wait from now on."""


class Sender(Protocol):
    """What a channel sends by, and how long that may take."""

    @property
    def connection(self) -> ChannelConnection:
        """The connection."""

    @property
    def deadlines(self) -> Deadlines:
        """Until when replies are awaited."""

    @property
    def timeout(self) -> float:
        """The seconds for which a reply is awaited, where nobody says otherwise."""

    @property
    def next_ref(self) -> Callable[[], str]:
        """Make the next ref."""

    @property
    def send(self) -> Callable[[Message], int | None]:
        """Send a message; returns its mark."""

    @property
    def obstacle(self) -> BaseException | str:
        """What keeps a channel from sending what it has kept, for an error."""
