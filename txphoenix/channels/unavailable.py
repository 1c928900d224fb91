"""Why something cannot be done now, and what to call so that it can."""

from __future__ import annotations

from typing import Final

from ..errors import ChannelClosed, ConfigurationError, NotConnected
from ..legible import cut, error_text, legible
from ..protocol.channel_states import State

__all__ = ["made_by_itself", "not_connected", "not_joined"]

# What ends a channel in good order, as on_close is told.
_ENDINGS: Final = {
    "closed": "the server has closed it",
    "left": "it was left",
    "stopped": "it was stopped",
}


def not_connected(
    what: str, because: BaseException | None, is_running: bool
) -> NotConnected:
    """The error of what needs a connection while there is none, and will be none.

    :param what: what cannot be done.
    :param because: why the last connection was the last, if there was any.
    :param is_running: whether the client's service is.
    """
    if because is None and is_running:
        why = "nobody has called connect() yet, and auto_connect is false"
    elif because is None:
        why = "the client has not been started: call startService() or connect()"
    elif is_running:
        why = f"{error_text(because)}: call connect()"
    else:
        why = "the client has been stopped: call startService() or connect()"
    error = NotConnected(f"{cut(what)}: {why}")
    error.__cause__ = because
    return error


def not_joined(
    topic: str,
    state: State,
    ended_by: object,
    joins_next: bool = False,
    was_sent: bool = False,
) -> ChannelClosed:
    """The error of what needs a joined channel.

    :param state: the channel's.
    :param ended_by: what has ended it, as ``on_close`` was told; None if it was never
        joined.
    :param joins_next: whether it has a join that waits for the topic to be left.
    :param was_sent: whether it was sent all the same, while the channel was ended.
    """
    if joins_next:
        advice = "its join() waits for the topic to be left: wait for that"
    elif state is State.LEAVING:
        advice = "wait for its leave(), and call join()"
    elif ended_by is None:
        advice = "call join() first"
    else:
        if isinstance(ended_by, BaseException):
            ended = error_text(ended_by)
        else:
            ended = _ENDINGS.get(str(ended_by)) or legible(ended_by)
        advice = f"{ended}: call join() to join it again"
    error = ChannelClosed(f"not joined, but {state}: {advice}", topic, was_sent)
    if isinstance(ended_by, BaseException):
        error.__cause__ = ended_by
    return error


def made_by_itself(kind: str) -> ConfigurationError:
    """The error of a channel that is made without a client.

    :param kind: the name of its class.
    """
    return ConfigurationError(
        f"a channel is made by client.channel(topic, params, {kind}), which hands over"
        f" its client: not by {kind}() itself"
    )
