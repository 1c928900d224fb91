"""What knows Twisted and nothing of sockets: hooks, time, threads and the log."""

from __future__ import annotations
