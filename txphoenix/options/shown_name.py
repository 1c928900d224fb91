"""What a client is called in the log."""

from __future__ import annotations

from ..protocol.redact import redact_url
from .options import Options

__all__ = ["shown_name", "shown_url"]


def shown_url(options: Options) -> str:
    """A client's URL, fit for a log."""
    url = options.url
    return "<callable>" if callable(url) else redact_url(url)


def shown_name(options: Options) -> str:
    """A client's name, or else its URL, fit for a log."""
    return shown_url(options) if options.name is None else options.name
