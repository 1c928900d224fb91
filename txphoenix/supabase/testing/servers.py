"""The servers of a project: over TCP, and in memory."""

from __future__ import annotations

from typing import Any, Unpack

from twisted.internet.interfaces import IOpenSSLContextFactory, IReactorTime
from twisted.internet.task import Clock

from txphoenix.testing import MemoryServer, PhoenixServer

from .channel import RealtimeServerChannel
from .codecs import SupabaseV1Codec, SupabaseV2Codec
from .project import PATH, Project
from .settings import Settings, SettingsOptions

__all__ = ["MemorySupabaseServer", "SupabaseServer"]

_CHANNELS = {"realtime:*": RealtimeServerChannel}


class SupabaseServer(Project, PhoenixServer):
    """A project's Realtime on a port of 127.0.0.1.

    :param port: the port; 0 for a free one.
    :param interface: the address to listen on: see
        :class:`~txphoenix.testing.PhoenixServer`.
    :param tls: a context factory, for ``wss``.
    :param reactor: the reactor; the global one if not given.
    :param keep_frames: whether each session keeps its frames in ``frames``.
    :param settings: see :class:`Settings`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        interface: str = "127.0.0.1",
        tls: IOpenSSLContextFactory | None = None,
        reactor: IReactorTime | None = None,
        keep_frames: bool = False,
        **settings: Unpack[SettingsOptions],
    ) -> None:
        PhoenixServer.__init__(
            self,
            _CHANNELS,
            port=port,
            interface=interface,
            tls=tls,
            reactor=reactor,
            keep_frames=keep_frames,
            **_options(self),
        )
        self._begin(Settings(**settings))

    @property
    def project_url(self) -> str:
        """The URL of the project, as a client takes it: ``http://...``."""
        return self.http_url.removesuffix(PATH)


class MemorySupabaseServer(Project, MemoryServer):
    """A project's Realtime in memory, on a clock that the test advances.

    :param clock: the clock; a new one if not given.
        Its time is the time by which tokens expire.
    :param keep_frames: whether each session keeps its frames in ``frames``.
    :param settings: see :class:`Settings`.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        keep_frames: bool = False,
        **settings: Unpack[SettingsOptions],
    ) -> None:
        MemoryServer.__init__(
            self,
            _CHANNELS,
            clock=clock,
            keep_frames=keep_frames,
            **_options(self),
        )
        self._begin(Settings(**settings))

    @property
    def project_url(self) -> str:
        """The URL of the project, as a client takes it: ``http://...``."""
        return "http" + self.url.removeprefix("ws").removesuffix(PATH)


def _options(project: Project) -> dict[str, Any]:
    """What both servers are told, as Realtime is."""
    return {
        "path": PATH,
        "connect": project._connect,
        "max_frame_size": 8_000_000,
        "channel_limit": None,
        "serializers": {"1.0.0": SupabaseV1Codec(), "2.0.0": SupabaseV2Codec()},
    }
