"""How full the buffers of a client are."""

from __future__ import annotations

from typing import NamedTuple

from ..channels.keeper import ChannelKeeper
from .link import Link
from .optional_methods import number_of
from .state import SocketState

__all__ = ["Buffer", "Buffers", "look_into_buffers"]


class Buffer(NamedTuple):
    """One kind of buffer; of some, each channel has its own."""

    size: int
    """How much is in it; where each channel has one, in all of them together."""

    fullest: int
    """How much is in the fullest; where there is one only, the same as ``size``."""

    limit: int | None
    """How much one of them takes at most; None for no limit."""


class Buffers(NamedTuple):
    """The buffers of one client in this moment."""

    awaiting_reply: Buffer
    """The pushes that were sent, and wait for their replies; of each channel."""

    kept_pushes: Buffer
    """The pushes that wait for a connection, a join or room to write; of each channel.

    Their limit is the option ``push_buffer``."""

    kept_messages: Buffer
    """The messages of :meth:`txphoenix.SocketClient.push` that wait for the same.

    Their limit is the option ``send_buffer``."""

    unwritten: Buffer
    """The bytes that wait to be written; 0 where a transport of the user's own does not
    tell.

    Their limit is the option ``write_buffer``, and one message more."""

    unread: Buffer
    """The messages that wait for ``receive()``; of each channel.

    Their limit is the option ``receive_buffer``."""

    waiting_joins: Buffer
    """The channels that join, and whose join has not been sent yet."""


def look_into_buffers(
    state: SocketState, link: Link, channels: ChannelKeeper
) -> Buffers:
    """See how full they are.

    :param state: keeps messages that are no channel's.
    :param link: knows how much waits to be written.
    :param channels: each has its own.
    """
    options = channels.options
    unwritten = number_of(link.transport, "unwritten_bytes")
    awaiting, kept, unread, joining = [0], [0], [0], 0
    for membership in channels.routes.values():
        pushes, inbox = membership.made_pushes, membership.made_inbox
        if pushes is not None:
            awaiting.append(pushes.awaiting_reply)
            kept.append(pushes.kept)
        if inbox is not None:
            unread.append(len(inbox))
        joining += membership.joins.is_waiting
    return Buffers(
        awaiting_reply=_of_each(awaiting, None),
        kept_pushes=_of_each(kept, options.push_buffer),
        kept_messages=_one(len(state.to_send), options.send_buffer),
        unwritten=_one(unwritten, options.write_buffer),
        unread=_of_each(unread, options.receive_buffer),
        waiting_joins=_one(joining, None),
    )


def _of_each(sizes: list[int], limit: int | None) -> Buffer:
    return Buffer(sum(sizes), max(sizes), limit)


def _one(size: int, limit: int | None) -> Buffer:
    return Buffer(size, size, limit)
