"""What is read from the clients when somebody asks: how things are now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily

from ..client import SocketClient
from .clients import Clients, client_label
from .definitions import CHANNEL_STATUSES, CLIENT_STATUSES, FAILED, GAUGES
from .families import Family, gauge_family

__all__ = ["channel_statuses", "gauges"]


def channel_statuses(client: SocketClient) -> dict[str, str]:
    """Topic -> status, of each channel of a client that is not left.

    One that an error has ended was asked for all the same.
    """
    failed = {channel.topic: FAILED for channel in client.channels.failed}
    return failed | {
        topic: channel["status"]
        for topic, channel in client.get_state("joined_channels").items()
        if channel["status"] in CHANNEL_STATUSES
    }


def gauges(clients: Clients) -> Sequence[Family]:
    """All gauges.

    Clients of one name are added up, but for the age of a heartbeat and the time until
    the next attempt to connect: there the oldest and the last count, and there is none
    as long as none was seen, or is planned.
    """
    families = {metric.name: gauge_family(metric) for metric in GAUGES}
    named: dict[str, list[SocketClient]] = {}
    for client in clients.running():
        named.setdefault(client_label(client), []).append(client)
    for name, same in named.items():
        statuses = Counter(client.status for client in same)
        for status in CLIENT_STATUSES:
            families["txphoenix_clients"].add_metric([name, status], statuses[status])
        channels = Counter(
            status for client in same for status in channel_statuses(client).values()
        )
        for status in (*CHANNEL_STATUSES, FAILED):
            families["txphoenix_channels"].add_metric([name, status], channels[status])
        ages = [
            age for client in same if (age := clients.heartbeat_age(client)) is not None
        ]
        if ages:
            families["txphoenix_heartbeat_age_seconds"].add_metric([name], max(ages))
        waits = [
            wait
            for client in same
            if (wait := client.get_state("next_attempt_in")) is not None
        ]
        if waits:
            families["txphoenix_next_attempt_seconds"].add_metric([name], max(waits))
        _add_buffers(families, name, same)
    return list(families.values())


def _add_buffers(
    families: Mapping[str, GaugeMetricFamily], name: str, same: Sequence[SocketClient]
) -> None:
    """The buffers of the clients of one name."""
    each = [client.buffers()._asdict() for client in same]
    for kind in each[0]:
        buffers = [one[kind] for one in each]
        size = sum(buffer.size for buffer in buffers)
        if kind == "unwritten":
            families["txphoenix_unwritten_bytes"].add_metric([name], size)
        else:
            families["txphoenix_buffered_messages"].add_metric([name, kind], size)
        fills = [buffer.fullest / buffer.limit for buffer in buffers if buffer.limit]
        if fills:
            families["txphoenix_buffer_fill_ratio"].add_metric([name, kind], max(fills))
