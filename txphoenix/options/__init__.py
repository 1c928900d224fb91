"""The options of a client: declared once, checked, and shown without secrets."""

from __future__ import annotations

from .options import (
    CONNECTION_OPTIONS,
    OPTIONS,
    Options,
    check_auth_token,
    check_headers,
    check_params,
    check_url,
)

__all__ = [
    "CONNECTION_OPTIONS",
    "OPTIONS",
    "Options",
    "check_auth_token",
    "check_headers",
    "check_params",
    "check_url",
]
