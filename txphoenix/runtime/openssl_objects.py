"""Certificates and keys as the pyOpenSSL that is there wants them.

Up to 24.2 it takes but objects of its own, and that of today warns of those: it wants
those of cryptography.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL, crypto

__all__ = ["for_context"]


def for_context(
    key: crypto.PKey, certificate: crypto.X509, chain: Sequence[crypto.X509] = ()
) -> dict[str, Any]:
    """What Twisted's ``CertificateOptions`` are to be given.

    :param chain: the certificates between this one and the one that the peer knows.
    """
    own: list[Any] = [key, certificate, *chain]
    try:
        modern: list[Any] = [
            key.to_cryptography_key(),
            *(one.to_cryptography() for one in (certificate, *chain)),
        ]
        SSL.Context(SSL.TLS_METHOD).use_certificate(modern[1])
    except Exception:
        # It is an old one, or cryptography does not know the kind of them; what OpenSSL
        # says to that is for the real context.
        modern = own
    return {
        "privateKey": modern[0],
        "certificate": modern[1],
        "extraCertChain": modern[2:],
    }
