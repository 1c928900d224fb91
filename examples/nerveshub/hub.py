"""The server's side of NervesHub, as much of it as a device sees, made of the test kit.

It is there to run devices against, in a test or by hand (``run.py``).
"""

from __future__ import annotations

import time

from cryptography import x509
from cryptography.x509.oid import NameOID
from msgpack_serializer import MsgPackSerializer
from shared_secret import identifier_of

from txphoenix.testing import PhoenixServer, Refused, ServerChannel


class DeviceTopic(ServerChannel):
    """The topic ``device``, of one device."""

    def join(self, params):
        """Take a device that says what firmware it runs."""
        if not isinstance(params.get("nerves_fw_uuid"), str):
            raise Refused({"reason": "could not connect"})
        self.uuid = params["nerves_fw_uuid"]
        return {}

    def handle_in(self, event, payload):
        """Note what it tells; there is no reply."""
        told = self.socket.assigns["told"]
        told.append((event, payload))

    def update(self, uuid):
        """Have it update its firmware."""
        meta = {"uuid": uuid, "version": "1.1.0", "product": "thermometer"}
        self.push(
            "update",
            {
                "update_available": True,
                "firmware_url": f"https://example.org/{uuid}.fw",
                "firmware_meta": meta,
            },
        )


class Hub:
    """A server for devices, which knows them by certificate or by a shared secret.

    :param secrets: the shared secrets by their keys.
    :param tls: the server's; one that demands certificates, or None.
    :param seconds: tells the time.
    :ivar devices: the identifier of each that has connected, in their order.
    :ivar told: what they have told, each an event and its payload.
    :ivar refused: why others were refused.
    """

    def __init__(self, secrets=None, tls=None, seconds=time.time):
        self.secrets = secrets or {}
        self.seconds = seconds
        self.devices, self.told, self.refused = [], [], []
        self.server = PhoenixServer({"device": DeviceTopic}, tls=tls, **self.options())

    def options(self):
        """What a server of the kit has to be given."""
        serializer = MsgPackSerializer()
        return {
            "connect": self.connect,
            "serializers": {serializer.vsn: serializer},
        }

    def connect(self, params, socket):
        """Find out which device it is."""
        try:
            if socket.ssl_cert is not None:
                identifier = named(socket.ssl_cert)
            else:
                secret = self.secrets[socket.headers["x-nh-key"]]
                identifier = identifier_of(socket.headers, secret, seconds=self.seconds)
        except (KeyError, ValueError) as error:
            self.refused.append(str(error))
            raise Refused() from error
        socket.assigns["told"] = self.told
        self.devices.append(identifier)
        return f"device_socket:{identifier}"


def named(der):
    """Whom a certificate names, which TLS has verified."""
    (name,) = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(
        NameOID.COMMON_NAME
    )
    return name.value
