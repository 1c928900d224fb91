// Pushes and their replies.

import assert from "node:assert/strict"
import { hear, ok, outcome, sleep } from "../kit.mjs"

export const cases = {
  async "a reply has the payload"(kit) {
    const channel = await kit.join("echo:a")
    for (const payload of [{}, { a: [1, null, { b: true }] }, [], [1, 2], "x", 1.5]) {
      assert.deepEqual(await ok(channel.push("echo", payload)), payload)
    }
  },

  async "text that is not ASCII arrives as it was"(kit) {
    const channel = await kit.join("echo:ä/€")
    const text = 'ä€😀 \u0000\u001f\u2028 "\\/\n'
    assert.deepEqual(await ok(channel.push("echo", { [text]: text })), { [text]: text })
    const heard = hear(channel, "größer")
    await ok(channel.push("push_event", { event: "größer", payload: [text] }))
    await kit.until(() => heard.length === 1, "the event")
    assert.deepEqual(heard, [[text]])
  },

  async "an error reply has the response"(kit) {
    const channel = await kit.join("echo:a")
    const push = channel.push("echo_error", { reason: "no" })
    assert.deepEqual(await outcome(push), ["error", { reason: "no" }])
  },

  async "a reply may have any status"(kit) {
    const channel = await kit.join("echo:a")
    const payload = { status: "custom", response: [1] }
    assert.deepEqual(await outcome(channel.push("reply_status", payload)), [
      "custom",
      [1],
    ])
  },

  async "a push without a reply times out"(kit) {
    const channel = await kit.join("echo:a")
    const push = channel.push("noreply", {}, 100)
    assert.deepEqual(await outcome(push), ["timeout", {}])
    assert.deepEqual(await ok(channel.push("echo", { n: 1 })), { n: 1 })
  },

  async "a late reply changes nothing"(kit) {
    const channel = await kit.join("echo:a")
    const statuses = []
    const push = channel.push("slow", { ms: 250 }, 100)
    push.receive("ok", () => statuses.push("ok"))
    push.receive("timeout", () => statuses.push("timeout"))
    const replies = []
    channel.on("phx_reply", (_, ref) => replies.push(ref))
    const { ref } = push
    await kit.until(() => replies.includes(ref), "the late reply")
    assert.deepEqual(statuses, ["timeout"])
  },

  async "a second reply changes nothing"(kit) {
    const channel = await kit.join("echo:a")
    let replies = 0
    channel.push("reply_twice", { n: 1 }).receive("ok", () => (replies += 1))
    await ok(channel.push("echo", {}))
    await sleep(30)
    assert.equal(replies, 1)
  },

  async "hundreds of pushes in one turn are answered in order"(kit) {
    const channel = await kit.join("echo:a")
    const count = 730
    const answered = []
    const pushed = hear(channel, "pushed")
    const pushes = Array.from({ length: count }, (_, n) =>
      ok(channel.push("push_me", { n })).then(() => answered.push(n)),
    )
    await Promise.all(pushes)
    const wanted = Array.from({ length: count }, (_, n) => n)
    assert.deepEqual(answered, wanted)
    assert.deepEqual(
      pushed.map(({ n }) => n),
      wanted,
    )
    if (kit.carrier === "longpoll") {
      // The join, and then as many as fit.
      const batches = await kit.server("batches")
      assert.deepEqual(batches.slice(-8), [...Array(7).fill(100), 30])
    }
  },

  async "a megabyte goes both ways"(kit) {
    const channel = await kit.join("echo:a")
    const text = "ä".repeat(500_000)
    const reply = await ok(channel.push("echo", { text }))
    assert.ok(reply.text === text)
  },
}
