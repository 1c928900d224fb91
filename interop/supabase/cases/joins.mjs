// How a channel is joined, refused and left.

import assert from "node:assert/strict"
import { hear, subscribe } from "../kit.mjs"

const TODOS = { event: "*", schema: "public", table: "todos" }
const NOTES = { event: "INSERT", schema: "public", table: "notes" }

function listenToBoth(channel) {
  channel.on("postgres_changes", TODOS, () => {})
  channel.on("postgres_changes", NOTES, () => {})
}

// A promise of why a channel cannot be joined.
async function refused(kit, topic, config = {}, client = null) {
  const channel = (client ?? (await kit.client())).channel(topic, { config })
  const [status, message] = await subscribe(channel)
  assert.equal(status, "CHANNEL_ERROR")
  return message
}

export const cases = {
  async "a public channel"(kit) {
    const client = await kit.client()
    // Who subscribes before that is done joins with the key of the connection.
    await client.realtime.setAuth()
    await kit.subscribed("room", {}, () => {}, client)
    const [join] = await kit.server("received", "phx_join")
    assert.deepEqual(join.config, {
      broadcast: { ack: false, self: false },
      presence: { key: "", enabled: false },
      postgres_changes: [],
      private: false,
    })
    assert.equal(join.access_token, await kit.server("key"))
  },

  async "a private channel"(kit) {
    await kit.subscribed("room", { private: true })
    const [join] = await kit.server("received", "phx_join")
    assert.equal(join.config.private, true)
  },

  async "a private channel that may not be read"(kit) {
    await kit.server("deny", "room", "broadcast.read")
    await kit.server("deny", "room", "presence.read")
    assert.equal(
      await refused(kit, "room", { private: true }),
      "Unauthorized: You do not have permissions to read from this Channel topic: room",
    )
  },

  async "a token that has expired"(kit) {
    const token = await kit.server("token", "ann", -5)
    const client = await kit.client({ accessToken: async () => token })
    const message = await refused(kit, "room", {}, client)
    assert.match(message, /^InvalidJWTToken: Token has expired \d+ seconds ago$/)
  },

  async "a token that is none"(kit) {
    const client = await kit.client({ accessToken: async () => "nonsense" })
    const message = await refused(kit, "room", {}, client)
    assert.equal(message, "MalformedJWT: The token provided is not a valid JWT")
  },

  async "a topic without a name"(kit) {
    const message = await refused(kit, "")
    assert.equal(message, "TopicNameRequired: You must provide a topic name")
  },

  async "bindings in another order are an error"(kit) {
    await kit.server("bindings", "turned round")
    const channel = (await kit.client()).channel("room")
    listenToBoth(channel)
    await subscribe(channel)
    await kit.until(() => channel.statuses.length === 2, "both statuses")
    assert.deepEqual(channel.statuses, [
      ["CLOSED", null],
      [
        "CHANNEL_ERROR",
        "mismatch between server and client bindings for postgres changes",
      ],
    ])
  },

  async "a reply without bindings is a subscription"(kit) {
    await kit.server("bindings", "left out")
    await kit.subscribed("room", {}, listenToBoth)
  },

  async "an unknown table is told by a system message"(kit) {
    let system
    await kit.subscribed("room", {}, (channel) => {
      channel.on("postgres_changes", { ...TODOS, table: "none" }, () => {})
      system = hear(channel, "system")
    })
    await kit.until(() => system.length, "the system message")
    const { status, extension, message, channel } = system[0]
    assert.deepEqual([status, extension, channel], ["error", "postgres_changes", "room"])
    assert.match(message, /^Unable to subscribe to changes with given parameters/)
  },

  async "a channel that waits for the database"(kit) {
    const options = { postgres_changes_options: { wait: true } }
    let system
    await kit.subscribed("room", options, (channel) => {
      listenToBoth(channel)
      system = hear(channel, "system")
    })
    await kit.until(() => system.length, "the system message")
    assert.equal(system[0].message, "Subscribed to PostgreSQL")
  },

  async "a channel that waits for an unknown table"(kit) {
    const options = { postgres_changes_options: { wait: true } }
    const channel = (await kit.client()).channel("room", { config: options })
    channel.on("postgres_changes", { ...TODOS, table: "none" }, () => {})
    const [status, message] = await subscribe(channel)
    assert.equal(status, "CHANNEL_ERROR")
    assert.match(message, /^RealtimeDisabledForConfiguration: Unable to subscribe/)
  },

  async "a channel is left"(kit) {
    const channel = await kit.subscribed("room")
    assert.equal(await channel.unsubscribe(), "ok")
    assert.deepEqual(channel.statuses.at(-1), ["CLOSED", null])
    assert.deepEqual(await kit.server("topics"), [])
  },

  async "a channel that the server ends"(kit) {
    let system
    const channel = await kit.subscribed("room", {}, (it) => (system = hear(it, "system")))
    await kit.server("shut_down", "room", "Too many messages per second")
    await kit.until(() => channel.statuses.length === 2, "the end")
    assert.deepEqual(channel.statuses.at(-1), ["CLOSED", null])
    assert.deepEqual(system, [
      {
        extension: "system",
        status: "error",
        message: "Too many messages per second",
        channel: "room",
      },
    ])
  },
}
