// How a channel ends, and what follows.

import assert from "node:assert/strict"
import { countJoins, hear, ok, sleep } from "../kit.mjs"

export const cases = {
  async "a channel is left"(kit) {
    const socket = await kit.connect()
    const channel = await kit.join("echo:a", {}, socket)
    const heard = hear(channel, "phx_close")
    await ok(channel.leave())
    await kit.until(async () => !(await kit.server("topics")).length, "the leave")
    assert.equal(channel.state, "closed")
    assert.deepEqual(heard, ["leave"])
    // And another takes its topic.
    await kit.join("echo:a", {}, socket)
    assert.deepEqual(await kit.server("topics"), ["echo:a"])
  },

  async "a channel is left while it joins"(kit) {
    await kit.server("next_joins", "gate:a", "hold")
    const socket = await kit.connect()
    const channel = socket.channel("gate:a", {})
    channel.join()
    channel.leave()
    await kit.until(async () => (await kit.server("let_go")) === 1, "the join")
    await kit.until(
      async () => (await kit.server("received", "phx_leave")) === 1,
      "the leave",
    )
    await kit.until(async () => !(await kit.server("topics")).length, "the end")
    assert.equal(channel.state, "closed")
  },

  async "a channel that crashes is joined again"(kit) {
    const channel = await kit.join("echo:a")
    const joins = countJoins(channel)
    const errors = []
    channel.onError((reason) => errors.push(reason))
    channel.push("crash", {})
    await kit.until(() => errors.length === 1, "the crash")
    // Kept for the rejoin.
    const push = ok(channel.push("echo", { n: 1 }))
    await kit.until(() => joins.count === 2, "the rejoin")
    assert.deepEqual(await push, { n: 1 })
    assert.deepEqual(errors, [{ reason: "channel_crash" }])
    assert.equal((await kit.server("sessions")).length, 1)
  },

  async "a rejoin that is refused is tried again"(kit) {
    const channel = await kit.join("gate:a")
    const joins = countJoins(channel)
    await kit.server("next_joins", "gate:a", "refuse", "crash")
    await kit.server("kill", "gate:a")
    await kit.until(() => joins.count === 2, "the rejoin")
    assert.deepEqual(await ok(channel.push("echo", { n: 1 })), { n: 1 })
  },

  async "a channel that the server closes stays closed"(kit) {
    const channel = await kit.join("echo:a")
    const closes = hear(channel, "phx_close")
    assert.deepEqual(await ok(channel.push("stop_reply", { bye: 1 })), { bye: 1 })
    await kit.until(() => closes.length === 1, "the close")
    assert.equal(channel.state, "closed")
    await sleep(150)
    assert.deepEqual(await kit.server("topics"), [])
    assert.equal(await kit.server("received", "phx_join"), 1)
  },

  async "a second join of a topic closes the first"(kit) {
    const socket = await kit.connect()
    const first = await kit.join("echo:a", { n: 1 }, socket)
    const second = await kit.join("echo:a", { n: 2 }, socket)
    assert.deepEqual([first.state, second.state], ["closed", "joined"])
    assert.deepEqual(await ok(second.push("echo", { n: 1 })), { n: 1 })
    assert.deepEqual(await kit.server("topics"), ["echo:a"])
  },
}
