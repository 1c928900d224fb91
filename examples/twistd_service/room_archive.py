"""A service around a client: what is said in rooms becomes lines of a file.

It has its own configuration, its own log, and a plugin for ``twistd``.
Run it as ``README.md`` beside this file says::

    PYTHONPATH=examples/twistd_service twistd -n room-archive \
        --config examples/twistd_service/archive.toml
"""

from __future__ import annotations

import json
import time
import tomllib
from functools import partial
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError

from txphoenix import Channel
from txphoenix.tap import makeService as make_client

log = Logger("room_archive")


class ArchivedRoom(Channel):
    """A room whose messages are kept.

    :param archive: keeps them.
    """

    def __init__(self, *args, archive, **kwargs):
        super().__init__(*args, **kwargs)
        self.archive = archive

    def handle_join(self, response):
        """Be in the room, for the first time or again."""
        log.info("listening to {topic}", topic=self.topic)

    def handle_in(self, event, payload):
        """Keep a message."""
        self.archive.keep(self.topic, event, payload)


class Archive(Service):
    """The file, and the client that fills it; they live as long as each other.

    :param path: the file.
    :param settings: the client's, with the names of ``twistd txphoenix``.
    """

    def __init__(self, path, settings):
        self.path, self.file, self.count = path, None, 0
        rooms = {"rooms:*": partial(ArchivedRoom, archive=self)}
        self.client = make_client({"channel": rooms, **settings})

    def startService(self):
        """Open the file, then connect."""
        super().startService()
        # A line is written when it is complete.
        self.file = self.path.open("a", buffering=1, encoding="utf-8")
        log.info("writing to {path}", path=str(self.path))
        self.client.startService()

    def keep(self, topic, event, payload):
        """Write a message down."""
        said = {"at": time.time(), "topic": topic, "event": event, "payload": payload}
        self.file.write(json.dumps(said, default=repr) + "\n")
        self.count += 1

    def stopService(self):
        """Stop the client first: its rooms write until they are left."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self):
        await self.client.stopService()
        self.file.close()
        log.info("stopped; messages kept: {count}", count=self.count)


class Options(UsageOptions):
    """The command line."""

    optParameters = [["config", "c", "archive.toml", "The configuration, in TOML."]]

    def postOptions(self):
        """Read the configuration: what is wrong with it is one line, and no start."""
        try:
            path = Path(self["config"])
            config = tomllib.loads(path.read_text("utf-8"))
            # Relative to the configuration, wherever twistd was started.
            file = path.parent / str(config["file"])
            if not isinstance(config["client"], dict):
                raise ValueError("client is not a table")
            # Whether it can be written is known here, and not in the background.
            file.open("a").close()
            self["archive"] = Archive(file, config["client"])
        except KeyError as error:
            raise UsageError(f"{self['config']}: {error} is missing") from error
        except (OSError, ValueError) as error:
            raise UsageError(f"{self['config']}: {error}") from error


def makeService(options):
    """Make the service: for the plugin."""
    return options["archive"]
