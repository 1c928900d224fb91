"""Every option of a client: its name, its type, its default and its check.

:class:`Options` is checked when it is made and never changes afterwards, so that
whoever holds one holds a valid one.

``url``, ``params``, ``headers`` and ``auth_token`` may be callables, which are asked
anew before each attempt to connect.
:func:`check_url`, :func:`check_params`, :func:`check_headers` and
:func:`check_auth_token` check what they answer.
"""

from __future__ import annotations

from .options import CONNECTION_OPTIONS, OPTIONS, Options
from .request_checks import check_auth_token, check_headers, check_params, check_url

__all__ = [
    "CONNECTION_OPTIONS",
    "OPTIONS",
    "Options",
    "check_auth_token",
    "check_headers",
    "check_params",
    "check_url",
]
