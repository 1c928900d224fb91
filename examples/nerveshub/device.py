r"""A device of NervesHub's.

It shows its certificate (``--cert``), or signs by a shared secret (``--shared-key``),
joins the topic ``device``, tells what firmware it runs, and answers what it is asked:
``update``, ``reboot`` and ``identify``.
An update is only pretended here: ``install`` is yours to write.
It needs ``pip install msgpack``.

Run it::

    python examples/nerveshub/device.py wss://devices.example.org/socket \
        --cert device-cert.pem --key device-key.pem

You see, once the hub has an update for it::

    joined device
    installing 5c9e1f0a-0000-0000-0000-000000000002
    rebooting
"""

from __future__ import annotations

import argparse
import signal
import sys
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from msgpack_serializer import MsgPackSerializer
from shared_secret import headers
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react
from twisted.logger import (
    FilteringLogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

from txphoenix import Channel, SocketClient, client_tls, errors

log = Logger("device")

# What NervesHub knows a firmware by; a device reads it from where it was flashed.
FIRMWARE = {
    "nerves_fw_uuid": "5c9e1f0a-0000-0000-0000-000000000001",
    "nerves_fw_version": "1.0.0",
    "nerves_fw_product": "thermometer",
    "nerves_fw_platform": "rpi4",
    "nerves_fw_architecture": "arm",
}


class Device(Channel):
    """The topic ``device``.

    :param firmware: what runs, as ``FIRMWARE`` has it.
    :param install: a function of the URL and the metadata of a new firmware, that
        yields how much of it is done, in percent, and raises what goes wrong.
    :param reboot: called when the device is to start again.
    :param identify: called when somebody wants to see which device this is.
    """

    def __init__(self, topic, params=None, manager=None, *, firmware, install, **calls):
        # A function: each join says again what is being installed.
        super().__init__(topic, self.describe, manager)
        self.firmware, self.install = firmware, install
        self.reboot = calls.get("reboot", lambda: print("rebooting"))
        self.identify = calls.get("identify", lambda: print("here I am"))
        self.installing = None

    def describe(self):
        """What a join sends."""
        return {
            **self.firmware,
            "device_api_version": "2.3.0",
            "currently_downloading_uuid": self.installing,
        }

    def handle_join(self, response):
        """Be known to NervesHub."""
        print("joined", self.topic)

    def handle_in(self, event, payload):
        """Answer; NervesHub replies to nothing of this, so nobody waits for that."""
        if event == "update":
            return self.update(payload)
        if event == "reboot":
            self.tell("rebooting", {})
            return self.reboot()
        if event == "identify":
            return self.identify()
        # Consoles, scripts and extensions, for instance.
        log.info("no answer to {event}", event=event)
        return None

    async def update(self, payload):
        """Install a firmware, and tell how that goes."""
        url, meta = wanted(payload)
        if url is None:
            log.error("an update without a firmware")
            self.tell("status_update", {"status": "update failed"})
            return
        if self.installing is not None:
            # It is told again after each join.
            return
        self.installing = meta["uuid"]
        try:
            async for percent in self.install(url, meta):
                self.tell("fwup_progress", {"value": percent})
        except Exception:
            log.failure("the update has failed")
            self.tell("status_update", {"status": "update failed"})
        else:
            self.tell("rebooting", {})
            self.reboot()
        finally:
            self.installing = None

    def tell(self, event, payload):
        """Push, if there is somebody to tell: no update fails for want of that."""
        try:
            self.push_async(event, payload)
        except (errors.ChannelClosed, errors.BufferFull) as error:
            log.info("{event} is not told: {error}", event=event, error=error)


def wanted(payload):
    """The URL and the metadata of a firmware; None where there is none."""
    found = payload if isinstance(payload, dict) else {}
    url, meta = found.get("firmware_url"), found.get("firmware_meta")
    is_good = isinstance(url, str) and isinstance(meta, dict) and "uuid" in meta
    return (url, meta) if is_good else (None, None)


def make_device(url, install, firmware=FIRMWARE, calls=None, **options):
    """Make the client, which is a service.

    :param calls: ``reboot`` and ``identify``, where they are not to be printed.
    :param options: of the client: ``tls`` with a certificate, or ``headers``; and
        ``serializer=None`` for NervesHub's JSON, which older servers have alone, and
        without which there is no long-poll: that carries text.
    """
    kind = partial(Device, firmware=firmware, install=install, **calls or {})
    ours = {
        "serializer": MsgPackSerializer(),
        "topic_channel_map": {"device": kind},
        "join_channels": ["device"],
    }
    return SocketClient(url, **{**ours, **options})


async def pretend(reactor, url, meta):
    """Install nothing, in four steps."""
    print("installing", meta["uuid"])
    for percent in (25, 50, 75, 100):
        await deferLater(reactor, 0.05, lambda: None)
        yield percent


def identity(args):
    """The options by which the device says who it is."""
    files = {
        "ca_file": args.ca_file,
        "cert_file": args.cert,
        "key_file": args.key,
        "key_password_file": args.key_password_file,
    }
    options = {}
    if any(files.values()):
        # The files are read anew at each attempt.
        options["tls"] = client_tls(urlsplit(args.url).hostname or "", **files)
    if args.shared_key is not None:
        path = Path(args.shared_secret_file)

        def sign():
            secret = path.read_text("utf-8").strip()
            return headers(args.shared_key, secret, args.identifier)

        # So is this function called; now only to see whether there is a secret.
        sign()
        options["headers"] = sign
    return options


def log_to_stderr():
    """Show what goes wrong: each attempt that fails, and why."""
    levels = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    observer = FilteringLogObserver(textFileLogObserver(sys.stderr), [levels])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)


async def main(reactor, *arguments):
    """Run the device until it is interrupted."""
    parser = argparse.ArgumentParser(description="A device of NervesHub's.")
    parser.add_argument("url", help="such as wss://devices.example.org/socket")
    parser.add_argument("--ca-file", help="whom to trust, in PEM")
    parser.add_argument("--cert", help="the device's certificate, in PEM")
    parser.add_argument("--key", help="its key, in PEM")
    parser.add_argument("--key-password-file", help="the password of the key")
    parser.add_argument("--shared-key", help="names the shared secret: nhp_...")
    parser.add_argument("--shared-secret-file", help="holds the shared secret")
    parser.add_argument("--identifier", help="the device's serial number")
    args = parser.parse_args(arguments)
    shared = (args.shared_key, args.shared_secret_file, args.identifier)
    if any(shared) and not all(shared):
        parser.error("--shared-key needs --shared-secret-file and --identifier")
    try:
        device = make_device(args.url, partial(pretend, reactor), **identity(args))
    except (errors.ConfigurationError, OSError, ValueError) as error:
        parser.error(str(error))
    log_to_stderr()
    interrupted = Deferred()
    signal.signal(
        signal.SIGINT,
        lambda *_: reactor.callFromThread(interrupted.callback, None),
    )
    device.startService()
    await interrupted
    await device.stopService()


if __name__ == "__main__":
    # Who follows it through a pipe, as a service manager does, sees each line at once.
    sys.stdout.reconfigure(line_buffering=True)
    react(main, sys.argv[1:])
