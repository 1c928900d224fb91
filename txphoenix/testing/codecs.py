"""The codecs of a server: one for each version that its clients speak."""

from __future__ import annotations

from collections.abc import Mapping

from txphoenix.protocol.json_codecs import JSONCodec

from .codec import ServerCodec, codec_for

__all__ = ["Codecs"]


class Codecs:
    """Finds the codec for what a client's ``vsn`` parameter asks for.

    All clients of a version have the same, so that a broadcast is encoded once.

    :param json: the JSON codec of Phoenix's own serializers.
    """

    def __init__(self, json: JSONCodec | None) -> None:
        self._json = json
        self._made: dict[str, ServerCodec] = {}

    def find(
        self, vsn: str, serializers: Mapping[str, ServerCodec]
    ) -> ServerCodec | None:
        """Find the codec of a version.

        :param serializers: those of the socket, beside Phoenix's own.
        :return: ``None`` if the server does not speak it.
        """
        codec = serializers.get(vsn) or self._made.get(vsn)
        if codec is None:
            codec = codec_for(vsn, self._json)
            if codec is not None:
                self._made[vsn] = codec
        return codec
