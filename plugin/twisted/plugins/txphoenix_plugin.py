"""What makes ``twistd txphoenix`` work; :mod:`txphoenix.tap` has the rest."""

from __future__ import annotations

from twisted.application.service import ServiceMaker

txphoenix = ServiceMaker(
    "txphoenix",
    "txphoenix.tap",
    "A client for Phoenix Channels: joins topics and logs or handles their messages.",
    "txphoenix",
)
