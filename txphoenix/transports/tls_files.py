"""TLS by files in PEM: whom to trust, and the client's own certificate and key.

A certificate of a device may be good for hours only, and is then renewed on the disk.
So the files are read anew at each attempt to connect, as those of tokens are, and what
was made of them is used again for as long as they hold the same.
That keeps TLS sessions too: one that began with another certificate is not resumed, for
a server that resumes it sees the client as it was (RFC 8446 section 4.6.1).

A file that is not there, or that is just being written, fails the attempt, and the next
one reads it again.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from OpenSSL import SSL, crypto
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    platformTrust,
    trustRootFromCertificates,
)

from ..errors import ConfigurationError
from ..runtime.openssl_objects import for_context
from ..runtime.regular_files import check_regular

__all__ = ["FileNames", "TLSFiles"]

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_CERTIFICATE: Final = re.compile(_BEGIN + rb".+?-----END CERTIFICATE-----", re.DOTALL)
# RSA and EC keys have kinds of their own beside that of PKCS #8 (RFC 7468 section 10).
_KEY: Final = re.compile(
    rb"-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL
)
# The second is a header of the older kinds (RFC 1421 section 4.6.1.1).
_IS_ENCRYPTED: Final = re.compile(rb"BEGIN ENCRYPTED|^Proc-Type: *4,ENCRYPTED", re.M)


class FileNames(NamedTuple):
    """What the options are called where they were given, as errors have it."""

    ca: str = "ca_file"
    certificate: str = "cert_file"
    key: str = "key_file"
    password: str = "key_password_file"


class TLSFiles:
    """The context of OpenSSL that these files come to, which is that of one client.

    :param ca: the certificates of the authorities to trust.
    :param certificate: the client's certificate, and behind it those that lead to the
        authority that the server knows.
    :param key: the key of that certificate; in the same file if not given.
    :param password: that of the key, or the file that has it in its first line.
    :param trust_root: whom to trust where there is no ``ca``; the machine's authorities
        if not given.
    :raises ConfigurationError: what is given does not go together.
    """

    def __init__(
        self,
        ca: Path | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        password: bytes | Path | None = None,
        trust_root: Any = None,
        names: FileNames | None = None,
    ) -> None:
        self._ca, self._certificate, self._key = ca, certificate, key
        self._password, self._trust_root = password, trust_root
        self._names = names = names or FileNames()
        for name, value in ((names.key, key), (names.password, password)):
            if value is not None and certificate is None:
                raise ConfigurationError(f"{name} needs {names.certificate} as well")
        self._context: SSL.Context | None = None
        # A digest of what it was made of: the key itself is for OpenSSL alone.
        self._made_of = b""

    def context(self) -> SSL.Context:
        """The context for a connection that begins now.

        It is the same one for as long as the files hold the same.

        :raises ConfigurationError: a file cannot be read, or holds something else, or
            the certificate is for another key.
        """
        names = self._names
        contents = [
            _read(names.ca, self._ca),
            _read(names.certificate, self._certificate),
            _read(names.key, self._key),
            self._read_password(),
        ]
        digests = [b"" if text is None else sha256(text).digest() for text in contents]
        made_of = sha256(b"|".join(digests)).digest()
        if self._context is None or made_of != self._made_of:
            self._context = self._made(*contents)
            self._made_of = made_of
        return self._context

    def _read_password(self) -> bytes | None:
        if not isinstance(self._password, Path):
            return self._password
        text = _read(self._names.password, self._password) or b""
        # As with OpenSSL's -passin file:, so that an editor's line end does no harm.
        password = text.partition(b"\n")[0].removesuffix(b"\r")
        if not password:
            raise ConfigurationError(
                f"{self._names.password}: there is no password in the first line of "
                f"{_shown(self._password)}"
            )
        return password

    def _made(
        self,
        ca: bytes | None,
        certificate: bytes | None,
        key: bytes | None,
        password: bytes | None,
    ) -> SSL.Context:
        trust_root = self._trust_root
        if ca is not None:
            trusted = _certificates(self._names.ca, self._ca, ca)
            trust_root = trustRootFromCertificates([*map(Certificate, trusted)])
        own: dict[str, Any] = {}
        if certificate is not None:
            own = self._own(certificate, key, password)
        try:
            return CertificateOptions(
                trustRoot=trust_root or platformTrust(),
                # Without tickets a server of TLS 1.2 could hardly resume a session.
                enableSessionTickets=True,
                **own,
            ).getContext()
        except SSL.Error as error:
            # Its key may be too weak for OpenSSL, for instance.
            reasons = [str(entry[-1]) for entry in error.args[0] or ()]
            raise ConfigurationError(
                f"{self._names.certificate}: OpenSSL does not take what is in "
                f"{_shown(self._certificate)}: {', '.join(reasons)}"
            ) from None

    def _own(
        self, certificate: bytes, key: bytes | None, password: bytes | None
    ) -> dict[str, Any]:
        """The client's certificate, chain and key, as Twisted wants them."""
        names, path = self._names, self._certificate
        first, *chain = _certificates(names.certificate, path, certificate)
        if key is None:
            private = self._private_key(names.certificate, path, certificate, password)
            where = _shown(path)
        else:
            private = self._private_key(names.key, self._key, key, password)
            where = _shown(self._key)
        if _public(private) != _public(first.get_pubkey()):
            option = names.certificate if key is None else names.key
            raise ConfigurationError(
                f"{option}: the key in {where} is not that of the first certificate in "
                f"{_shown(path)}"
            )
        return for_context(private, first, chain)

    def _private_key(
        self, option: str, path: Path | None, text: bytes, password: bytes | None
    ) -> crypto.PKey:
        names = self._names
        found = _KEY.search(text)
        if found is None:
            hint = "" if option == names.key else f"; give it by {names.key}"
            raise ConfigurationError(
                f"{option}: there is no private key in PEM in {_shown(path)}{hint}"
            )
        block = found[0]
        is_encrypted = _IS_ENCRYPTED.search(block) is not None
        if is_encrypted and password is None:
            # OpenSSL would ask for it on the terminal.
            raise ConfigurationError(
                f"{option}: the key in {_shown(path)} is encrypted; give its password "
                f"by {names.password}"
            )
        try:
            return crypto.load_privatekey(crypto.FILETYPE_PEM, block, password or b"")
        # A password may be too long for OpenSSL, and a key of a kind of its own.
        except (crypto.Error, ValueError, TypeError):
            what = "cannot be read"
            if is_encrypted:
                what = "cannot be decrypted: the password is wrong, or it is damaged"
            raise ConfigurationError(
                f"{option}: the key in {_shown(path)} {what}"
            ) from None


def _read(option: str, path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        check_regular(path)
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError:
        reason = "no file can have this name"
    raise ConfigurationError(f"{option}: cannot read {_shown(path)}: {reason}")


def _certificates(option: str, path: Path | None, text: bytes) -> list[crypto.X509]:
    try:
        found = [
            crypto.load_certificate(crypto.FILETYPE_PEM, block)
            for block in _CERTIFICATE.findall(text)
        ]
    except crypto.Error:
        found = []
    # Of a file that is just being written the last one may be cut off.
    if not found or len(found) != text.count(_BEGIN):
        raise ConfigurationError(
            f"{option}: there are no certificates in PEM in {_shown(path)}, or they "
            "cannot be read"
        )
    return found


def _public(key: crypto.PKey) -> bytes:
    return crypto.dump_publickey(crypto.FILETYPE_ASN1, key)


def _shown(path: Path | None) -> str:
    return repr(str(path))
