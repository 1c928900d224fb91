// What is broadcast by HTTP.

import assert from "node:assert/strict"
import { bytes, hear, over } from "../kit.mjs"

const ALL = { event: "*" }

// A channel that is not joined, and what one that is hears.
async function pair(kit, config = {}) {
  let heard
  await kit.subscribed("room", config, (it) => (heard = hear(it, "broadcast", ALL)))
  return { channel: (await kit.client()).channel("room", { config }), heard }
}

export const cases = {
  async "JSON"(kit) {
    const { channel, heard } = await pair(kit)
    assert.deepEqual(await channel.httpSend("shout", { n: 1 }), { success: true })
    await kit.until(() => heard.length, "the broadcast")
    const { type, event, payload } = heard[0]
    assert.deepEqual([type, event, payload], ["broadcast", "shout", { n: 1 }])
  },

  "bytes": over(["2.0.0"], async (kit) => {
    const { channel, heard } = await pair(kit)
    await channel.httpSend("raw", bytes(0, 255))
    await kit.until(() => heard.length, "the broadcast")
    assert.deepEqual(heard[0].payload, { bytes: "00ff" })
  }),

  async "to a private channel"(kit) {
    const { channel, heard } = await pair(kit, { private: true })
    await channel.httpSend("shout", { n: 1 })
    await kit.until(() => heard.length, "the broadcast")
  },

  async "to a private channel that may not be written to"(kit) {
    await kit.server("deny", "room", "broadcast.write")
    const { channel } = await pair(kit, { private: true })
    await assert.rejects(channel.httpSend("shout", { n: 1 }), /^Error: Unauthorized$/)
  },

  async "with an event that needs encoding"(kit) {
    const { channel, heard } = await pair(kit)
    await channel.httpSend("a/b ü", { n: 1 })
    await kit.until(() => heard.length, "the broadcast")
    assert.equal(heard[0].event, "a/b ü")
  },

  async "a send before the join goes by HTTP"(kit) {
    const { channel, heard } = await pair(kit)
    const message = { type: "broadcast", event: "shout", payload: { n: 1 } }
    assert.equal(await channel.send(message), "ok")
    await kit.until(() => heard.length, "the broadcast")
    assert.deepEqual(heard[0], message)
  },

  async "without a valid token"(kit) {
    const client = await kit.realtimeClient({ key: "wrong" })
    const channel = client.channel("room")
    await assert.rejects(channel.httpSend("shout", { n: 1 }), /^Error: Unauthorized$/)
    const message = { type: "broadcast", event: "shout", payload: {} }
    assert.equal(await channel.send(message), "error")
  },

  async "a server that refuses"(kit) {
    const { channel } = await pair(kit)
    await kit.server("refuse_sends", 429)
    await assert.rejects(channel.httpSend("shout", { n: 1 }))
    const message = { type: "broadcast", event: "shout", payload: {} }
    assert.equal(await channel.send(message), "error")
  },
}
