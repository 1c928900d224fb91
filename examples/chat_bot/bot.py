"""A bot for a chat room: it greets who comes, remembers them, and reminds."""

import re

from twisted.internet import reactor
from twisted.internet.task import deferLater
from txphoenix import Channel

HELP = "I know !help, !seen and !remind SECONDS TEXT."


class Bot(Channel):
    """One room, as the bot sees it."""

    clock = reactor

    def init(self, params):
        """Begin to remember."""
        self.seen = set()

    async def handle_in(self, event, payload):
        """Take what the server sends."""
        if event == "user_joined":
            self.seen.add(payload["user_id"])
            self.say(f"Welcome, {payload['user_id']}! {HELP}")
        elif event == "new_msg":
            await self.answer(payload["user_id"], str(payload["body"]))

    async def answer(self, user, text):
        """Answer to a command."""
        if remind := re.fullmatch(r"!remind (\d{1,4}) (.+)", text):
            self.say(f"I shall remind you, {user}.")
            await deferLater(self.clock, int(remind[1]))
            self.say(f"It is time, {user}: {remind[2]}")
        elif text == "!seen":
            self.say(f"I have seen {', '.join(sorted(self.seen))}.")
        elif text.startswith("!"):
            self.say(HELP)

    def say(self, text):
        """Say something to all in the room."""
        self.push_async("new_msg", {"body": text})
