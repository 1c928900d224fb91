"""NervesHub's two ways to know a device, and an update over each.

It starts a server (``hub.py``) and a device (``device.py``) in this process: one with
a certificate over TLS, and one with a shared secret.
It needs ``pip install msgpack``.

Run it::

    python examples/nerveshub/run.py

You see, and the same with a shared secret::

    -- with a certificate
    server: this is serial-0001
    joined device
    installing 5c9e1f0a-0000-0000-0000-000000000002
    rebooting
    server: fwup_progress {'value': 25}
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from device import make_device, pretend
from hub import Hub
from shared_secret import headers
from twisted.internet.task import react

from txphoenix import client_tls
from txphoenix.testing.tls import ClientAuthority, self_signed

KEY, SECRET = "nhp_demo", "a secret of one product"


async def update(reactor, hub, options):
    """Run a device, have it updated, and show what it tells."""
    device = make_device(hub.server.url, partial(pretend, reactor), **options)
    device.startService()
    topic = await hub.server.when_joined("device")
    print("server: this is", hub.devices[-1])
    topic.update("5c9e1f0a-0000-0000-0000-000000000002")
    await hub.server.when_received("rebooting")
    await device.stopService()
    await hub.server.stop()
    for event, payload in hub.told:
        print("server:", event, payload)


async def main(reactor):
    """Run both."""
    with tempfile.TemporaryDirectory() as directory:
        print("-- with a certificate")
        credentials, authority = self_signed(), ClientAuthority()
        mine = authority.sign("serial-0001")
        path = Path(directory, "device.pem")
        path.write_bytes(mine.certificate + mine.key)
        hub = Hub(tls=authority.demanded_by(credentials))
        await hub.server.start()
        tls = client_tls("127.0.0.1", credentials.trust_root, cert_file=path)
        await update(reactor, hub, {"tls": tls})
    print("-- with a shared secret")
    hub = Hub({KEY: SECRET})
    await hub.server.start()
    # A function, and so it is called at each attempt.
    await update(reactor, hub, {"headers": lambda: headers(KEY, SECRET, "serial-0002")})


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(print(__doc__))
    react(main)
