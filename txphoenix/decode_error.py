"""The error of a payload that a decoder of the user's does not take."""

from __future__ import annotations

from .error_base import PhoenixError
from .legible import legible

__all__ = ["DecodeError"]


class DecodeError(PhoenixError):
    """A decoder has raised at a payload, or at the response to a push or a join.

    What it has raised is the ``__cause__``.
    That may hold the payload, so the text names its class alone.

    :param topic: the channel's topic.
    :param event: the event whose payload it is; of a response the event that was
        pushed, which is ``"phx_join"`` for a join.
    :param decoder: the decoder's name.
    :param cause: what it has raised, or what is wrong with its result.
    :param is_response: whether it is a response.
    """

    def __init__(
        self,
        topic: str,
        event: str,
        decoder: str,
        cause: BaseException,
        is_response: bool = False,
    ) -> None:
        what = f"{legible(event)} of {legible(topic)}"
        what = f"the response to {what}" if is_response else what
        super().__init__(
            f"{what} could not be decoded: {decoder} raised {type(cause).__name__}"
        )
        self.topic = topic
        self.event = event
        self.decoder = decoder
        self.is_response = is_response
        self.__cause__ = cause
