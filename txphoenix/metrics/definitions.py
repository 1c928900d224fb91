"""Every metric: its name, its type, its labels and what it means.

The names are as Prometheus wants them: base units, ``_total`` for a counter, and the
unit at the end (https://prometheus.io/docs/practices/naming/).
Each metric has the label ``client``, and one more where it says so; those that are of
topics have the label ``topic`` where topics were asked for.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = [
    "BUCKETS",
    "CHANNEL_STATUSES",
    "CLIENT_STATUSES",
    "COUNTERS",
    "FAILED",
    "GAUGES",
    "HISTOGRAMS",
    "INFO",
    "METRICS",
    "TOPIC_COUNTERS",
    "Metric",
]

BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""The upper bounds of the histograms' buckets, in seconds, if none are given.

From a round trip in a data centre to the timeouts and the delays of reconnecting.
"""

CLIENT_STATUSES = ("disconnected", "connecting", "connected")
"""What :attr:`txphoenix.SocketClient.status` may be."""

CHANNEL_STATUSES = ("joining", "joined", "leaving", "errored")
"""The statuses of a channel that is not left."""

FAILED = "failed"
"""What a channel is here that an error has ended, and that nobody has left."""


class Metric(NamedTuple):
    """One metric.

    :ivar name: its whole name.
    :ivar kind: its type.
    :ivar text: what it means, which is its HELP as well.
    :ivar label: the label that it has besides ``client`` and ``topic``, if any.
    :ivar known: the values of that label which are there, at 0, from the beginning, as
        ``increase()`` does not see the step from nothing to one.
    :ivar is_of_topic: whether it has the label ``topic`` where topics were asked for.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    label: str = ""
    known: tuple[str, ...] = ()
    is_of_topic: bool = False


def _counter(
    name: str,
    text: str,
    label: str = "",
    *known: str,
    is_of_topic: bool = False,
) -> Metric:
    return Metric(f"txphoenix_{name}_total", "counter", text, label, known, is_of_topic)


def _histogram(
    name: str, text: str, label: str = "", is_of_topic: bool = False
) -> Metric:
    full_name = f"txphoenix_{name}_seconds"
    return Metric(full_name, "histogram", text, label, (), is_of_topic)


def _gauge(name: str, text: str, label: str = "") -> Metric:
    return Metric(f"txphoenix_{name}", "gauge", text, label)


COUNTERS = (
    _counter("connect_attempts", "Attempts to connect that have begun."),
    _counter("connections", "Connections that were opened."),
    _counter(
        "connect_errors",
        "Attempts to connect that failed, by the class of the error.",
        "error",
        *("ConnectTimeout", "ConnectionFailed", "HandshakeRefused"),
    ),
    _counter(
        "disconnects",
        "Open connections that ended, by the class of what ended them.",
        "error",
        *("ConnectionClosed", "HeartbeatTimeout"),
    ),
    _counter(
        "idle_disconnects", "Connections that were ended because nobody needed them."
    ),
    _counter("heartbeats", "Heartbeats that were sent."),
    _counter(
        "client_status_changes",
        "Changes of a client's status, by the new one.",
        "status",
        *CLIENT_STATUSES,
    ),
    _counter("received_messages", "Messages that came."),
    _counter("received_bytes", "Bytes of the messages that came."),
    _counter("sent_messages", "Messages that were sent."),
    _counter("sent_bytes", "Bytes of the messages that were sent."),
    _counter(
        "undecodable_frames",
        "Frames that came and were no messages, by the class of the error.",
        "error",
        "SerializerError",
    ),
    _counter(
        "unsent_messages", "Messages that were lost with a connection, unwritten."
    ),
    _counter("reading_pauses", "Times that reading was paused for a slow reader."),
    _counter(
        "joins", "Joins that were answered with yes, rejoins too.", is_of_topic=True
    ),
    _counter(
        "join_errors",
        "Joins that failed, by the class of the error.",
        "error",
        *("JoinError", "JoinTimeout"),
        is_of_topic=True,
    ),
    _counter(
        "channels_left",
        "Channels that ended: left, closed by the server, or stopped.",
        is_of_topic=True,
    ),
    _counter(
        "channel_status_changes",
        "Changes of a channel's status, by the new one.",
        "status",
        *(*CHANNEL_STATUSES, "left"),
        is_of_topic=True,
    ),
    _counter(
        "channel_crashes",
        "Exceptions out of a channel's callbacks, by their class.",
        "error",
        is_of_topic=True,
    ),
    _counter(
        "channel_restarts",
        "Channels that began anew after a crash.",
        is_of_topic=True,
    ),
    _counter(
        "dropped_messages",
        "Messages that were dropped, by the reason.",
        "reason",
        *("presence", "stale", "undecoded", "unread", "unrouted", "unsent"),
        is_of_topic=True,
    ),
    _counter(
        "push_replies",
        "Pushes that were answered, by the status of the reply.",
        "status",
        *("ok", "error"),
        is_of_topic=True,
    ),
    _counter(
        "push_errors",
        "Pushes that failed without an answer, by the class of the error.",
        "error",
        *("BufferFull", "ChannelClosed", "NotConnected"),
        *("PushInterrupted", "PushTimeout"),
        is_of_topic=True,
    ),
)

TOPIC_COUNTERS = (
    _counter("topic_received_messages", "Messages that came.", is_of_topic=True),
    _counter(
        "topic_received_bytes", "Bytes of the messages that came.", is_of_topic=True
    ),
    _counter("topic_sent_messages", "Messages that were sent.", is_of_topic=True),
    _counter(
        "topic_sent_bytes", "Bytes of the messages that were sent.", is_of_topic=True
    ),
)
"""Those that are only there where topics were asked for."""

HISTOGRAMS = (
    _histogram("connect_duration", "How long it took to connect."),
    _histogram("reconnect_delay", "The wait before the next attempt to connect."),
    _histogram("heartbeat_duration", "The round trip of a heartbeat."),
    _histogram("reading_pause_duration", "How long reading was paused."),
    _histogram("join_duration", "How long a join took the server.", is_of_topic=True),
    _histogram("leave_duration", "How long a leave took the server.", is_of_topic=True),
    _histogram(
        "rejoin_delay", "The wait before a channel joins again.", is_of_topic=True
    ),
    _histogram(
        "push_duration",
        "From the push to its reply, or to its failure.",
        "outcome",
        is_of_topic=True,
    ),
)

GAUGES = (
    _gauge("clients", "Clients that run, by their status.", "status"),
    _gauge("channels", "Channels of these clients, by their status.", "status"),
    _gauge(
        "heartbeat_age_seconds",
        "How long ago a heartbeat was answered; of several clients the longest.",
    ),
    _gauge(
        "next_attempt_seconds",
        "In how long the next attempt to connect begins; of several clients the last.",
    ),
    _gauge("buffered_messages", "Messages in the buffers, by the buffer.", "buffer"),
    _gauge("unwritten_bytes", "Bytes that wait to be written."),
    _gauge(
        "buffer_fill_ratio",
        "How full the fullest buffer of a kind is: 1 is its limit.",
        "buffer",
    ),
)

INFO = Metric("txphoenix_info", "gauge", "1, with the version of txphoenix.", "version")
"""The only one that is of no client."""

METRICS = (*COUNTERS, *TOPIC_COUNTERS, *HISTOGRAMS, *GAUGES, INFO)
"""All of them."""
