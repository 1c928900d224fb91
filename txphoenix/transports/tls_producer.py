"""The producer of a protocol under TLS: what it writes may have to wait for TLS too."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IPullProducer, IPushProducer
from zope.interface import implementer

__all__ = ["TLSProducer", "TLSWriter"]


class TLSWriter(Protocol):
    """The transport of TLS, as its producer knows it."""

    @property
    def can_write(self) -> bool:
        """Whether what is written is encrypted at once."""


@implementer(IPushProducer, IPullProducer)
class TLSProducer:
    """The producer of a protocol, as the transport below sees it.

    TLS pauses it as well, and one that is to be asked for each piece is not asked until
    TLS can take it.
    """

    __slots__ = ("_is_paused", "_producer", "_streaming", "_tls")

    def __init__(self, tls: TLSWriter, producer: Any, streaming: bool) -> None:
        self._tls = tls
        self._producer = producer
        self._streaming = streaming
        self._is_paused = False

    def pauseProducing(self) -> None:
        """There is enough to write."""
        if self._streaming and not self._is_paused:
            self._is_paused = True
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        """The transport below has written everything, or TLS can write again."""
        if self._streaming:
            if self._is_paused and self._tls.can_write:
                self._is_paused = False
                self._producer.resumeProducing()
        elif self._tls.can_write:
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """The connection is lost."""
        self._producer.stopProducing()
