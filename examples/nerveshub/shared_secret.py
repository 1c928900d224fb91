"""NervesHub's shared secrets: headers that say who a device is, for a minute or so.

::

    x-nh-alg: NH1-HMAC-sha256-1000-32     the digest, iterations and length of a key
    x-nh-key: nhp_...                     which secret it is
    x-nh-time: 1787120842                 the second in which this was signed
    x-nh-signature: SFMyNTY...            the device's identifier, signed

The signature is what ``Plug.Crypto.sign`` makes: the secret and a salt of the other
three headers become a key (PBKDF2), by which a term is signed (HMAC, as in JWT's HS256)
that is ``{identifier, milliseconds, 86400}`` in Erlang's external format.
A server takes none that is older than 90 seconds, so a client makes them anew at each
attempt: :func:`headers` goes into a function.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

ALGORITHM = "NH1-HMAC-sha256-1000-32"
MAX_AGE = 90
_DAY = 86_400
_MOST_ITERATIONS = 100_000
_LONGEST = 64
_DIGESTS = ("sha256", "sha384", "sha512")
_PROTECTED = "SFMyNTY"  # "HS256", in base64


def headers(key, secret, identifier, *, algorithm=ALGORITHM, seconds=time.time):
    """Make the headers of one attempt.

    :param key: names the secret: a product's begins with ``nhp_``.
    :param secret: the secret itself, which is not in the headers.
    :param identifier: the device's serial number.
    :param algorithm: how the key of the signature is made of the secret.
    :param seconds: tells the time, in seconds since 1970; the device's clock must be
        right to a minute.
    """
    now = int(seconds())
    made = {"x-nh-alg": algorithm, "x-nh-key": key, "x-nh-time": str(now)}
    made["x-nh-signature"] = sign(secret, identifier, now * 1000, made)
    return made


def identifier_of(received, secret, *, max_age=MAX_AGE, seconds=time.time):
    """Whom the headers of an attempt are from: the server's side.

    :param received: the headers, by their names in lower case.
    :raises ValueError: a header is missing or wrong, or it is too late.
    """
    try:
        signature = received["x-nh-signature"]
        protected, payload, _ = signature.split(".")
        identifier, milliseconds = _read_term(_decoded(payload))
        expected = sign(secret, identifier, milliseconds, received)
    except (KeyError, IndexError, struct.error, UnicodeError) as error:
        raise ValueError(f"no good headers: {type(error).__name__}") from error
    # As bytes, since it compares no other text than ASCII.
    is_same = hmac.compare_digest(expected.encode(), signature.encode())
    if protected != _PROTECTED or not is_same:
        raise ValueError("the signature is wrong")
    if milliseconds + max_age * 1000 < seconds() * 1000:
        raise ValueError("the signature is too old")
    return identifier


def sign(secret, identifier, milliseconds, given):
    """Sign an identifier as ``Plug.Crypto.sign`` does.

    :param given: the other headers.
    """
    algorithm = given["x-nh-alg"]
    version, _, rest = algorithm.partition("-HMAC-")
    digest, iterations, length = rest.lower().split("-")
    if version != "NH1" or digest not in _DIGESTS:
        raise ValueError(f"there is no algorithm {algorithm!r:.40}")
    # The server takes them from whoever connects.
    iterations, length = int(iterations), int(length)
    if not (0 < iterations <= _MOST_ITERATIONS and 0 < length <= _LONGEST):
        raise ValueError("so many iterations, or so long a key, are not taken")
    salt = (
        "NH1:device-socket:shared-secret:connect\n\n"
        f"x-nh-alg={algorithm}\n"
        f"x-nh-key={given['x-nh-key']}\n"
        f"x-nh-time={given['x-nh-time']}\n"
    )
    key = hashlib.pbkdf2_hmac(
        digest, secret.encode(), salt.encode(), iterations, length
    )
    text = f"{_PROTECTED}.{_encoded(_term(identifier, milliseconds))}"
    mac = hmac.digest(key, text.encode(), "sha256")
    return f"{text}.{_encoded(mac)}"


def _encoded(data):
    return urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _term(identifier, milliseconds):
    """``{identifier, milliseconds, 86400}``, as ``term_to_binary`` has it.

    131 is the version; 104 a tuple, 109 a binary, with its length.
    """
    name = identifier.encode()
    start = struct.pack(">BBBBI", 131, 104, 3, 109, len(name))
    return start + name + _integer(milliseconds) + _integer(_DAY)


def _integer(value):
    """An integer of Erlang's: 97 has one byte, 98 four, 110 any number, backwards."""
    if value < 1 << 8:
        return struct.pack(">BB", 97, value)
    if value < 1 << 31:
        return struct.pack(">Bi", 98, value)
    data = value.to_bytes((value.bit_length() + 7) // 8, "little")
    return struct.pack(">BBB", 110, len(data), 0) + data


def _read_term(data):
    """The identifier and the milliseconds of such a term."""
    *kinds, length = struct.unpack_from(">BBBBI", data)
    if kinds != [131, 104, 3, 109] or 8 + length >= len(data):
        raise ValueError("what is signed is not {identifier, milliseconds, seconds}")
    name, number = data[8 : 8 + length], data[8 + length :]
    if number[0] == 110:
        milliseconds = int.from_bytes(number[3 : 3 + number[1]], "little")
    else:
        kind = ">B" if number[0] == 97 else ">i"
        (milliseconds,) = struct.unpack_from(kind, number, 1)
    return name.decode(), milliseconds
