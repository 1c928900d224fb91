// Joining a channel.

import assert from "node:assert/strict"
import { countJoins, ok, outcome } from "../kit.mjs"

export const cases = {
  async "a join has its reply"(kit) {
    const socket = await kit.connect()
    const channel = socket.channel("echo:a", { a: [1, "ü"] })
    const response = await ok(channel.join())
    assert.deepEqual(response, { topic: "echo:a", params: { a: [1, "ü"] } })
    assert.equal(channel.state, "joined")
    assert.deepEqual(await kit.server("topics"), ["echo:a"])
  },

  async "a join waits for the connection"(kit) {
    const socket = kit.socket()
    const channel = socket.channel("echo:a", {})
    const joining = ok(channel.join())
    const pushing = ok(channel.push("echo", { n: 1 }))
    socket.connect()
    await joining
    assert.deepEqual(await pushing, { n: 1 })
    assert.equal(await kit.server("received", "phx_join"), 1)
  },

  async "a refused join has the reason"(kit) {
    const socket = await kit.connect()
    for (const [topic, reason] of [
      ["room:private", "unauthorized"],
      ["room:crash", "join crashed"],
      ["nothing:there", "unmatched topic"],
    ]) {
      const channel = socket.channel(topic, {})
      assert.deepEqual(await outcome(channel.join()), ["error", { reason }])
      assert.equal(channel.state, "errored")
      channel.leave()
    }
    assert.deepEqual(await kit.server("topics"), [])
  },

  async "a refused join is tried again"(kit) {
    await kit.server("next_joins", "gate:a", "refuse", "crash")
    const socket = await kit.connect()
    const channel = socket.channel("gate:a", {})
    const joins = countJoins(channel)
    const [status] = await outcome(channel.join())
    assert.equal(status, "error")
    await kit.until(() => joins.count === 1, "the join")
    assert.equal(await kit.server("received", "phx_join"), 3)
  },

  async "a join that times out is tried again"(kit) {
    await kit.server("next_joins", "gate:a", "hold")
    const socket = await kit.connect()
    const channel = socket.channel("gate:a", {})
    const joins = countJoins(channel)
    assert.deepEqual(await outcome(channel.join(150)), ["timeout", {}])
    assert.equal(await kit.server("let_go"), 1)
    await kit.until(() => joins.count === 1, "the join")
    // The join's time would be the push's as well.
    assert.deepEqual(await ok(channel.push("echo", { n: 1 }, 5000)), { n: 1 })
    // The one that was late was left.
    assert.deepEqual(await kit.server("topics"), ["gate:a"])
  },

  async "the params of a join are asked for anew"(kit) {
    const socket = await kit.connect()
    let asked = 0
    const channel = socket.channel("echo:a", () => ({ n: (asked += 1) }))
    const heard = []
    channel.joinPush.receive("ok", ({ params }) => heard.push(params.n))
    await ok(channel.join())
    await kit.server("kill", "echo:a")
    await kit.until(() => heard.length === 2, "the rejoin")
    assert.deepEqual(heard, [1, 2])
  },

  async "many channels are apart"(kit) {
    const socket = await kit.connect()
    const topics = Array.from({ length: 50 }, (_, n) => `echo:${n}`)
    const channels = topics.map((topic) => socket.channel(topic, {}))
    await Promise.all(channels.map((channel) => ok(channel.join())))
    const replies = channels.map((channel) =>
      ok(channel.push("echo", { topic: channel.topic })),
    )
    assert.deepEqual(
      (await Promise.all(replies)).map(({ topic }) => topic),
      topics,
    )
  },

  async "a hundred channels are the limit"(kit) {
    const socket = await kit.connect()
    const channels = Array.from({ length: 101 }, (_, n) =>
      socket.channel(`echo:${n}`, {}),
    )
    const outcomes = await Promise.all(channels.map((it) => outcome(it.join())))
    assert.equal(outcomes.filter(([status]) => status === "ok").length, 100)
    assert.deepEqual(outcomes[100], ["error", { reason: "too many channels joined" }])
    channels[100].leave()
  },
}
