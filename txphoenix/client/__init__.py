"""The client: its connection, what it sends and receives, its state and buffers."""

from __future__ import annotations

from .buffers import Buffer, Buffers
from .socket_client import SocketClient

__all__ = ["Buffer", "Buffers", "SocketClient"]

# For who works on it; the docstring is in the reference.
#
# The way of a message, between the transport and the channels:
#
#     in   TransportListener.frame_received
#          -> receiving.py (its JSON; most messages end here, at a hook or a push)
#          -> router.py (all others) -> channels/messages.py (the channel of the topic)
#                                    -> heartbeat.py, or topic_hooks.py (on_topic)
#     out  channels/pushes.py (a channel's), or outbox.py (SocketClient.push)
#          -> link.py (the serializer, max_message_size) -> Transport.send
#
# The connection's way from one transport to the next:
#
#     connection.py          keeps one open: retry_policy.py says when there is another
#     connection_events.py   tells all others of it: the log (connection_log.py,
#                              outage.py), telemetry (connection_telemetry.py), the
#                              channels, and who waits (waiting.py)
#
# Who makes these and tells them of each other is parts.py; what users hold of them is
# socket_client.py.
