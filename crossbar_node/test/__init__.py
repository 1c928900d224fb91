"""The tests; each starts a node, which takes some seconds."""

from __future__ import annotations
