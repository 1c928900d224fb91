"""What goes wrong with Supabase besides what goes wrong with any Phoenix.

| :exc:`txphoenix.PhoenixError`
|     :exc:`txphoenix.JoinError`
|         :exc:`SubscribeError`
|     :exc:`SystemMessageError`
|     :exc:`MalformedMessage` (:exc:`ValueError`)
|     :exc:`SendError`
|         :exc:`SendTimeout` (:exc:`TimeoutError`)
"""

from __future__ import annotations

from txphoenix.errors import JoinError, PhoenixError

__all__ = [
    "MalformedMessage",
    "SendError",
    "SendTimeout",
    "SubscribeError",
    "SystemMessageError",
]


class SubscribeError(JoinError):
    """The server took the join, but not the filters as they were asked for.

    The channel has left its topic; the connection stays.

    :param response: what the server answered to the join.
    :param topic: the channel's topic.
    :param fault: what is wrong with it, for a person.
    """

    def __init__(self, response: object, topic: str, fault: str) -> None:
        super().__init__(response, topic)
        self.reason = fault
        self.args = (f"subscription to {topic} failed: {fault}",)


class SystemMessageError(PhoenixError):
    """The server has told a channel of an error with a ``system`` message.

    :param topic: the channel's topic.
    :param message: what the server said.
    :param extension: what it is about: ``"system"`` or ``"postgres_changes"``.
    """

    def __init__(self, topic: str, message: str, extension: str = "") -> None:
        super().__init__(f"{topic}: {extension or 'system'}: {message}")
        self.topic = topic
        self.message = message
        self.extension = extension


class MalformedMessage(PhoenixError, ValueError):
    """A message of the server is not what its event has; it cost that message alone.

    :param topic: the channel's topic.
    :param event: the event, such as ``"postgres_changes"``.
    :param fault: what was expected.
    """

    def __init__(self, topic: str, event: str, fault: str) -> None:
        super().__init__(f"malformed {event} on {topic}: {fault}")
        self.topic = topic
        self.event = event


class SendError(PhoenixError):
    """A broadcast could not be sent by HTTP.

    :param topic: the channel's topic.
    :param event: the user's event.
    :param reason: what the server said, or what has failed.
    :param status: the HTTP status; None where there was no answer.
    """

    def __init__(
        self, topic: str, event: str, reason: str, status: int | None = None
    ) -> None:
        answer = "" if status is None else f" with {status}"
        super().__init__(f"sending {event} to {topic} failed{answer}: {reason}")
        self.topic = topic
        self.event = event
        self.reason = reason
        self.status = status


class SendTimeout(SendError, TimeoutError):
    """A broadcast sent by HTTP was not answered in time; it may have arrived.

    :param topic: the channel's topic.
    :param event: the user's event.
    :param timeout: the time allowed, in seconds.
    """

    def __init__(self, topic: str, event: str, timeout: float) -> None:
        super().__init__(topic, event, f"no answer in {timeout:g} s")
        self.timeout = timeout
