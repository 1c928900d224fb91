// What the server sends by itself.

import assert from "node:assert/strict"
import { hear, ok } from "../kit.mjs"

export const cases = {
  async "a push from the server arrives"(kit) {
    const channel = await kit.join("echo:a")
    const heard = hear(channel, "pushed")
    await ok(channel.push("push_me", { n: 1 }))
    await kit.until(() => heard.length === 1, "the push")
    assert.deepEqual(heard, [{ n: 1 }])
  },

  async "broadcasts come to all, in order"(kit) {
    const one = await kit.join("echo:a")
    const two = await kit.join("echo:a")
    const other = await kit.join("echo:b")
    const heard = [one, two, other].map((channel) => hear(channel, "shout"))
    for (let n = 0; n < 200; n++) one.push("broadcast", { n })
    await ok(one.push("broadcast_from", { n: 200 }))
    await kit.until(() => heard[1].length === 201, "the broadcasts")
    const wanted = Array.from({ length: 201 }, (_, n) => ({ n }))
    assert.deepEqual(heard, [wanted.slice(0, 200), wanted, []])
  },

  async "a broadcast from elsewhere arrives"(kit) {
    const channel = await kit.join("echo:a")
    const heard = hear(channel, "news")
    assert.equal(await kit.server("broadcast", "echo:a", "news", { of: "today" }), 1)
    await kit.until(() => heard.length === 1, "the broadcast")
    assert.deepEqual(heard, [{ of: "today" }])
  },

  async "thousands of messages come in order"(kit) {
    const channel = await kit.join("echo:a")
    const ticks = hear(channel, "tick")
    assert.deepEqual(await ok(channel.push("push_n", { n: 3000 })), { n: 3000 })
    assert.deepEqual(
      ticks.map(({ i }) => i),
      Array.from({ length: 3000 }, (_, n) => n),
    )
  },
}
