"""What a channel does with a message, where it is not the short way of most.

See :mod:`txphoenix.client.receiving` for that one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from ..errors import ChannelClosed, JoinError
from ..protocol.channel_states import Input, State
from ..protocol.event_names import (
    PHX_CLOSE,
    PHX_ERROR,
    PHX_REPLY,
    PRESENCE_DIFF,
    PRESENCE_STATE,
)
from ..protocol.message import Message
from ..protocol.reserved_events import NOT_PUSHED
from ..runtime.hooks import log_hook_failure, watch_hook
from ..telemetry import channel_handlers
from .callbacks import run_callback
from .decoding import take_decoded
from .interfaces import ChannelCallbacks
from .membership import Membership
from .pending import PendingReply

__all__ = ["dispatch", "look_for"]

_Inside: TypeAlias = Membership[ChannelCallbacks]


def dispatch(membership: _Inside, message: Message) -> None:
    """Take a message; see :meth:`txphoenix.Channel.dispatch`."""
    join_ref, _, _, event, payload = message
    if join_ref is not None and join_ref != membership.joins.ref:
        _tell_stale(membership, message)
        return
    own = _OWN_EVENTS.get(event)
    if own is not None:
        own(membership, message)
        return
    # hooks.call(), without the call: this is on the way of many messages.
    found = membership.hooks.get(event)
    if found is None:
        decoded = membership.hooks.decoded
        if decoded is not None and event in decoded.decoders:
            take_decoded(membership, decoded, message)
        else:
            run_callback(membership, membership.channel.handle_message, message)
        return
    for _, function in found:
        # As call_hook() does it.
        try:
            result = function(payload)
            if result is not None:
                watch_hook(result, function, (event, membership.topic))
        except BaseException:
            log_hook_failure(function, (event, membership.topic))


def look_for(events: Iterable[str]) -> None:
    """Have all channels look whether these events bring presences."""
    for event in events:
        _OWN_EVENTS.setdefault(event, _receive_presence)


def _receive_reply(membership: _Inside, message: Message) -> None:
    # As receive_fast() of txphoenix.client.receiving does it.
    ref, pushes = message.ref, membership.made_pushes
    pending: PendingReply | None = None
    if ref == membership.joins.awaited_ref:
        pending = membership.joins.take_awaited()
    elif pushes is not None:
        pending = pushes.take(ref)
    if pending is not None:
        pending.answered(message.payload, message.join_ref)
    else:
        # To a join that was given up, it may be.
        membership.manager.joins.server_answered(message.ref)


def _receive_error(membership: _Inside, message: Message) -> None:
    if _is_of_earlier_join(membership, message):
        return
    if membership.state is State.JOINING:
        membership.joins.was_reached()
        membership.joins.failed(JoinError(message.payload, membership.topic))
    elif membership.state is not State.ERRORED:
        membership.give(Input.RETRY, ChannelClosed(message.payload, membership.topic))


def _receive_close(membership: _Inside, message: Message) -> None:
    if _is_of_earlier_join(membership, message):
        return
    is_permanent = membership.channel.restart == "permanent"
    if is_permanent and membership.state is State.JOINED:
        membership.give(Input.RETRY, ChannelClosed("closed", membership.topic))
    else:
        membership.joins.was_reached()
        membership.give(Input.CLOSE, "closed")


def _receive_presence(membership: _Inside, message: Message) -> None:
    _, _, _, event, payload = message
    channel = membership.channel
    called = membership.hooks.call
    if event in type(channel).presence_events:
        presences = membership.own_presences()
        presences.take(event, payload, membership.joins.ref)
        called = presences.hooks.call
    if called(event, payload, membership.topic):
        return
    # What brings presences to another class may have a decoder in this one.
    decoded = membership.hooks.decoded
    if decoded is not None and event in decoded.decoders:
        take_decoded(membership, decoded, message)
    else:
        run_callback(membership, channel.handle_message, message)


def _tell_stale(membership: _Inside, message: Message) -> None:
    manager = membership.manager
    for observer in manager.events.observers:
        observer.message_stale(message)
    if channel_handlers and message.event not in NOT_PUSHED:
        manager.messages_dropped(membership.topic, 1, "stale")


def _is_of_earlier_join(membership: _Inside, message: Message) -> bool:
    # Version 1 of the wire format has no join_ref, but these two repeat it as ref.
    ref = message.ref
    is_stale = (
        message.join_ref is None and ref is not None and ref != membership.joins.ref
    )
    if is_stale:
        _tell_stale(membership, message)
    return is_stale


# Events with which a channel has something to do itself.
# What some class names as its presence_events is looked at by all of them: one table
# for all costs a message less than one for each class.
_OWN_EVENTS: dict[str, Callable[[_Inside, Message], None]] = {
    PHX_REPLY: _receive_reply,
    PHX_CLOSE: _receive_close,
    PHX_ERROR: _receive_error,
    PRESENCE_STATE: _receive_presence,
    PRESENCE_DIFF: _receive_presence,
}
