"""What ``twistd txphoenix`` runs."""

from __future__ import annotations
