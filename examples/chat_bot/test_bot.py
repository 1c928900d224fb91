"""What the bot says, in a room of a server in memory."""

from bot import HELP, Bot
from twisted.trial.unittest import SynchronousTestCase
from txphoenix import SocketClient
from txphoenix.testing import ChatRoom, PhoenixMixin


class BotTests(PhoenixMixin, SynchronousTestCase):
    """The bot is in the room, and Ann comes in."""

    def setUp(self):
        """Have the bot join, and then Ann."""
        self.server = self.phoenix_memory_server({"rooms:*": ChatRoom})
        self.heard = []
        self.bot = self.enter("bot", Bot)
        self.ann = self.enter("ann")
        self.ann.on("new_msg", lambda payload: self.heard.append(payload["body"]))
        self.server.flush()

    def enter(self, name, channel_class=None):
        """Have a client of that name join the lobby."""
        client = SocketClient(
            self.server.url,
            params={"user_id": name},
            endpoint=self.server.endpoint,
            reactor=self.server.clock,
        )
        client.startService()
        self.addCleanup(client.stopService)
        return client.channels.start_channel("rooms:lobby", channel_class=channel_class)

    def ask(self, text):
        """Have Ann say something; the last thing that she hears then."""
        self.ann.push_async("new_msg", {"body": text})
        self.server.flush()
        return self.heard[-1]

    def test_greeting(self):
        """Who comes is greeted."""
        self.assertEqual(self.heard, [f"Welcome, ann! {HELP}"])

    def test_talk(self):
        """What people say to each other is not."""
        self.assertEqual(self.ask("hello"), "hello")

    def test_outage(self):
        """After a lost connection the bot is back soon, and has forgotten nobody."""
        bob = self.enter("bob")
        self.server.flush()
        bob.leave()
        self.server.drop()
        self.server.advance(3)  # it connects again within 2.25 seconds
        self.assertEqual(self.ask("!seen"), "I have seen ann, bob.")

    def test_remind(self):
        """A reminder comes when it is due and no sooner, even after an outage."""
        self.bot.clock = self.server.clock
        self.assertEqual(self.ask("!remind 60 tea"), "I shall remind you, ann.")
        self.server.drop()
        self.server.advance(59)
        self.assertNotIn("It is time, ann: tea", self.heard)
        self.server.advance(1)
        self.assertIn("It is time, ann: tea", self.heard)
