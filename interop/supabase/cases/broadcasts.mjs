// What clients broadcast to each other over the connection.

import assert from "node:assert/strict"
import { bytes, hear, over } from "../kit.mjs"

const ALL = { event: "*" }

// Two clients of a topic: who sends, who hears, and what is heard by each.
async function pair(kit, config = {}) {
  const heard = {}
  const join = async (name) =>
    kit.subscribed("room", config, (channel) => {
      heard[name] = hear(channel, "broadcast", ALL)
    })
  return { sender: await join("sender"), hearer: await join("hearer"), heard }
}

function shout(channel, payload = { n: 1 }) {
  return channel.send({ type: "broadcast", event: "shout", payload })
}

export const cases = {
  async "others hear it, the sender does not"(kit) {
    const { sender, hearer, heard } = await pair(kit)
    assert.equal(await shout(sender), "ok")
    await kit.until(() => heard.hearer.length, "the broadcast")
    const { type, event, payload } = heard.hearer[0]
    assert.deepEqual([type, event, payload], ["broadcast", "shout", { n: 1 }])
    await shout(hearer, { n: 2 })
    await kit.until(() => heard.sender.length, "the answer")
    assert.deepEqual(heard.sender.map((it) => it.payload), [{ n: 2 }])
  },

  async "the sender hears it, if it wants to"(kit) {
    const { sender, heard } = await pair(kit, { broadcast: { self: true } })
    await shout(sender)
    await kit.until(() => heard.sender.length, "the broadcast")
    assert.deepEqual(heard.sender[0].payload, { n: 1 })
  },

  async "it is acknowledged, if the sender wants it"(kit) {
    const { sender, heard } = await pair(kit, { broadcast: { ack: true } })
    assert.equal(await shout(sender), "ok")
    await kit.until(() => heard.hearer.length, "the broadcast")
  },

  async "what may not be sent is refused"(kit) {
    await kit.server("deny", "room", "broadcast.write")
    const config = { private: true, broadcast: { ack: true } }
    const { sender, heard } = await pair(kit, config)
    assert.equal(await shout(sender), "error")
    assert.deepEqual(heard.hearer, [])
  },

  async "private and public channels do not hear each other"(kit) {
    let open
    const hears = (channel) => (open = hear(channel, "broadcast", ALL))
    await kit.subscribed("room", {}, hears)
    const { sender, heard } = await pair(kit, { private: true })
    await shout(sender)
    await kit.until(() => heard.hearer.length, "the broadcast")
    assert.deepEqual(open, [])
  },

  "bytes": over(["2.0.0"], async (kit) => {
    const { sender, heard } = await pair(kit, { broadcast: { ack: true } })
    assert.equal(await shout(sender, bytes(0, 1, 254, 255)), "ok")
    assert.equal(await shout(sender, bytes()), "ok")
    await kit.until(() => heard.hearer.length === 2, "the broadcasts")
    assert.deepEqual(
      heard.hearer.map((it) => it.payload),
      [{ bytes: "0001feff" }, { bytes: "" }],
    )
  }),

  async "names and texts of any language"(kit) {
    let heard
    const topic = "räume:東京"
    const config = { broadcast: { self: true } }
    const channel = await kit.subscribed(topic, config, (it) => {
      heard = hear(it, "broadcast", { event: "größe" })
    })
    const payload = { text: "東京 \u{1f600}" }
    await channel.send({ type: "broadcast", event: "größe", payload })
    await kit.until(() => heard.length, "the broadcast")
    assert.deepEqual(heard[0].payload, payload)
  },

  async "the database broadcasts, with an id"(kit) {
    const { heard } = await pair(kit)
    await kit.server("send", "room", "INSERT", { n: 1 }, false, { id: "7" })
    await kit.until(() => heard.hearer.length, "the broadcast")
    const { event, payload, meta } = heard.hearer[0]
    assert.deepEqual([event, payload, meta], ["INSERT", { n: 1 }, { id: "7" }])
  },

  async "old and new clients hear each other"(kit) {
    const { sender, heard } = await pair(kit, { broadcast: { ack: true } })
    const mine = kit.vsn
    kit.vsn = mine === "2.0.0" ? "1.0.0" : "2.0.0"
    const other = await pair(kit, { broadcast: { ack: true } })
    await shout(sender)
    await shout(other.sender, { n: 2 })
    const all = [heard.hearer, other.heard.hearer]
    await kit.until(() => all.every((it) => it.length === 2), "the broadcasts")
    for (const each of all) {
      assert.deepEqual(each.map((it) => it.payload.n), [1, 2])
    }
  },

  "who has version 1.0.0 does not hear bytes": over(["1.0.0"], async (kit) => {
    const { heard } = await pair(kit)
    await kit.server("send", "room", "raw", { bytes: "00" })
    await kit.server("send", "room", "shout", { n: 1 })
    await kit.until(() => heard.hearer.length, "the broadcast")
    assert.deepEqual(heard.hearer.map((it) => it.event), ["shout"])
  }),
}
