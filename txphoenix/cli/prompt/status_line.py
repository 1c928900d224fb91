"""The line at the bottom: the connection, the topic, and what is waited for."""

from __future__ import annotations

from prompt_toolkit.formatted_text import StyleAndTextTuples

from ...client.socket_client import SocketClient
from ...legible import cut
from ...protocol.redact import redact_url

__all__ = ["status_line"]

_WIDEST = 40


def status_line(
    client: SocketClient, topic: str | None, outstanding: int
) -> StyleAndTextTuples:
    """The line as it is to be now.

    :param topic: the one that was used last.
    :param outstanding: how many pushes wait for their replies.
    """
    status = _connection(client)
    style = "class:up" if client.connected else "class:down"
    parts = [_channels(client, topic)]
    if outstanding:
        parts.append(f"{outstanding} push{'es' * (outstanding > 1)} outstanding")
    parts.append(cut(redact_url(client.get_state("url")), 2 * _WIDEST))
    return [(style, f" {status} "), ("", "".join(f"| {part} " for part in parts))]


def _connection(client: SocketClient) -> str:
    delay = client.get_state("next_attempt_in")
    if client.status == "disconnected" and delay is not None:
        return f"disconnected, trying again in {delay:.0f} s"
    return client.status


def _channels(client: SocketClient, topic: str | None) -> str:
    channels = {channel.topic: channel for channel in client.channels}
    if not channels:
        return "no topic"
    if topic not in channels:
        topic = next(reversed(channels))
    text = f"{cut(topic, _WIDEST)} {channels[topic].state}"
    others = len(channels) - 1
    return f"{text} and {others} more" if others else text
