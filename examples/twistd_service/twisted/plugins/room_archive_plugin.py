"""What makes ``twistd room-archive`` work, wherever Python finds this folder."""

from __future__ import annotations

from twisted.application.service import ServiceMaker

room_archive = ServiceMaker(
    "room-archive", "room_archive", "Keeps what is said in rooms.", "room-archive"
)
