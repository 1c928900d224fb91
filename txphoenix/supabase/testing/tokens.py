"""JSON web tokens as Supabase takes them: made for tests, and checked.

A token is signed with the project's secret by HMAC and SHA-256, and has a role and a
time of expiry (``RealtimeWeb.ChannelsAuthorization`` and
``RealtimeWeb.JwtVerification`` in supabase/realtime).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["TokenFault", "make_token", "verified"]


class TokenFault(ValueError):
    """A token that the server does not take.

    :ivar code: what the server calls the fault, as in ``InvalidJWTToken``.
    :ivar message: what it says of it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def make_token(claims: Mapping[str, Any], secret: str) -> str:
    """A signed token.

    :param claims: what it says; the server wants ``role`` and ``exp``, the latter in
        seconds since 1970.
    """
    head = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode("utf-8"))
    body = _encoded(json.dumps(dict(claims)).encode("utf-8"))
    return f"{head}.{body}.{_signature(f'{head}.{body}', secret)}"


def verified(token: object, secret: str, now: float) -> dict[str, Any]:
    """The claims of a token.

    :param now: seconds since 1970.
    :raises TokenFault: the server would not take it.
    """
    head, claims, signature = _parts(token)
    expected = _signature(str(token).rpartition(".")[0], secret)
    if head.get("alg") != "HS256" or not hmac.compare_digest(signature, expected):
        raise TokenFault("JwtSignatureError", "Failed to validate JWT signature")
    expiry = claims.get("exp")
    if isinstance(expiry, int) and expiry <= now:
        ago = int(now) - expiry
        message = f"Token has expired {ago} seconds ago"
        raise TokenFault("InvalidJWTToken", message)
    if not isinstance(expiry, int) or "role" not in claims:
        message = "Fields `role` and `exp` are required in JWT"
        raise TokenFault("InvalidJWTToken", message)
    return claims


def _parts(token: object) -> tuple[dict[str, Any], dict[str, Any], str]:
    try:
        head, body, signature = str(token).split(".")
        decoded = [json.loads(_decoded(part)) for part in (head, body)]
    except ValueError as error:
        message = "The token provided is not a valid JWT"
        raise TokenFault("MalformedJWT", message) from error
    if not all(isinstance(part, dict) for part in decoded):
        raise TokenFault("MalformedJWT", "The token provided is not a valid JWT")
    return decoded[0], decoded[1], signature


def _signature(text: str, secret: str) -> str:
    digest = hmac.new(secret.encode("utf-8"), text.encode("utf-8"), hashlib.sha256)
    return _encoded(digest.digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
