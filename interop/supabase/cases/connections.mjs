// How a connection comes, goes, and comes back.

import assert from "node:assert/strict"
import { subscribe } from "../kit.mjs"

export const cases = {
  async "the publishable key connects"(kit) {
    await kit.subscribed("room")
    const [session] = await kit.server("sessions")
    assert.equal(session.path, "/realtime/v1/websocket")
    assert.equal(session.params.apikey, await kit.server("key"))
    assert.equal(session.params.vsn, kit.vsn)
  },

  async "the legacy key connects"(kit) {
    const key = await kit.server("anon_key")
    const client = await kit.client({ key })
    await kit.subscribed("room", {}, () => {}, client)
    assert.deepEqual(await kit.server("topics"), ["realtime:room"])
  },

  async "a wrong key does not"(kit) {
    const client = await kit.client({ key: "sb_publishable_wrong" })
    const [status, message] = await subscribe(client.channel("room"))
    assert.equal(status, "CHANNEL_ERROR")
    assert.match(message, /transport failure|socket closed/)
    assert.deepEqual(await kit.server("sessions"), [])
  },

  async "heartbeats are answered"(kit) {
    const statuses = []
    const heartbeatCallback = (status) => statuses.push(status)
    const client = await kit.client({ heartbeatCallback })
    await kit.subscribed("room", {}, () => {}, client)
    // A short interval would be the answer's time as well.
    for (const count of [2, 4]) {
      await client.realtime.sendHeartbeat()
      await kit.until(() => statuses.length === count, "the answer")
    }
    assert.deepEqual(statuses, ["sent", "ok", "sent", "ok"])
  },

  async "a connection that is lost comes back, and its channels"(kit) {
    const client = await kit.client()
    const one = await kit.subscribed("one", {}, () => {}, client)
    const two = await kit.subscribed("two", {}, () => {}, client)
    await kit.server("drop")
    await kit.until(() => one.statuses.length === 3, "the first channel")
    await kit.until(() => two.statuses.length === 3, "the second channel")
    const statuses = one.statuses.map(([status]) => status)
    assert.deepEqual(statuses, ["SUBSCRIBED", "CHANNEL_ERROR", "SUBSCRIBED"])
    assert.deepEqual(await kit.server("topics"), ["realtime:one", "realtime:two"])
  },

  async "a server that restarts is found again"(kit) {
    const channel = await kit.subscribed("room")
    await kit.server("restart")
    await kit.until(() => channel.statuses.length === 3, "the channel")
    assert.deepEqual(await kit.server("topics"), ["realtime:room"])
  },

  async "a server that refuses at first is asked again"(kit) {
    await kit.server("refuse", 503)
    const channel = (await kit.client()).channel("room")
    const [status] = await subscribe(channel)
    assert.equal(status, "CHANNEL_ERROR")
    await kit.server("refuse", null)
    const last = () => channel.statuses.at(-1)[0]
    await kit.until(() => last() === "SUBSCRIBED", "the channel")
  },

  async "the last channel removed ends the connection"(kit) {
    const client = await kit.client({ disconnectOnEmptyChannelsAfterMs: 0 })
    const channel = await kit.subscribed("room", {}, () => {}, client)
    await client.removeChannel(channel)
    const isOpen = async () => (await kit.server("sessions"))[0].is_open
    await kit.until(async () => !(await isOpen()), "the end")
  },
}
