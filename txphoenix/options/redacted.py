"""How the options that hold secrets are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..protocol.redact import (
    REDACTED,
    redact_headers,
    redact_params,
    redact_url,
    redact_word,
    shown,
)

__all__ = ["channels", "headers", "params", "token", "url", "word"]


def _secret(redact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What shows a value that holds secrets, and may be a callable or None."""

    def show(value: Any) -> Any:
        if value is None:
            return None
        return "<callable>" if callable(value) else redact(value)

    return show


url = _secret(redact_url)
params = _secret(redact_params)
headers = _secret(redact_headers)
token = _secret(lambda _: REDACTED)


def word(value: Any) -> Any:
    """What holds no secret as a rule; one that looks like a URL may."""
    return redact_word(shown(value))


def channels(given: Mapping[str, Any]) -> dict[str, Any]:
    """The topics, each with its parameters."""
    return {topic: params(of_topic) for topic, of_topic in given.items()}
