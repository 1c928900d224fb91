"""What options are shown as: their values, the secrets cut out."""

from __future__ import annotations

from typing import Any

import attrs

from .fields import declared

__all__ = ["changed_options", "snapshot"]


def snapshot(options: Any) -> dict[str, Any]:
    """Every option by name, as JSON can hold it."""
    return {
        field.name: declared(field).show(getattr(options, field.name))
        for field in attrs.fields(type(options))
    }


def changed_options(options: Any) -> str:
    """The options that are not their defaults, in words."""
    shown = snapshot(options)
    return ", ".join(
        f"{field.name}={shown[field.name]!r}"
        for field in attrs.fields(type(options))
        if getattr(options, field.name) not in (field.default, {})
    )
