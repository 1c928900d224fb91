"""Serializers: the public names."""

from __future__ import annotations

from .protocol.serializer import (
    StandardJSON,
    V1Serializer,
    V2Serializer,
    default_json,
    serializer_for,
)

__all__ = [
    "StandardJSON",
    "V1Serializer",
    "V2Serializer",
    "default_json",
    "serializer_for",
]
