// Subscriptions, while the connection holds.

import assert from "node:assert/strict"
import { cancel, connected, send, subscribed, subscriptions } from "../library.mjs"

export const over = ["websocket", "longpoll"]

const NEWS = "subscription { news }"

export const cases = {
  async "what is published arrives"(kit) {
    const main = await connected(kit)
    const told = await subscribed(kit, main, NEWS)
    assert.equal(await kit.server("publish", "news", 1), 1)
    assert.equal(await kit.server("publish", "news", { deep: ["ü"] }), 1)
    await kit.until(() => told.results.length === 2, "both")
    assert.deepEqual(told.results, [
      { data: { news: 1 } },
      { data: { news: { deep: ["ü"] } } },
    ])
    assert.equal(told.starts, 1)
  },

  async "variables choose"(kit) {
    const main = await connected(kit)
    const document = "subscription S($room: Int) { chat(room: $room) }"
    const one = await subscribed(kit, main, document, { room: 1 })
    const two = await subscribed(kit, main, document, { room: 2 }, 2)
    assert.equal(await kit.server("publish", "chat", "hi", { room: 2 }), 1)
    assert.equal(await kit.server("publish", "chat", "ho", { room: 1 }), 1)
    await kit.until(() => one.results.length && two.results.length, "both")
    assert.deepEqual(one.results, [{ data: { chat: "ho" } }])
    assert.deepEqual(two.results, [{ data: { chat: "hi" } }])
  },

  async "a thousand arrive in order"(kit) {
    const main = await connected(kit)
    const told = await subscribed(kit, main, NEWS)
    for (let n = 0; n < 1000; n += 100) await kit.server("publish_many", "news", n, 100)
    await kit.until(() => told.results.length === 1000, "all of them")
    assert.deepEqual(
      told.results.map(({ data }) => data.news),
      Array.from({ length: 1000 }, (_, n) => n),
    )
  },

  async "two clients hear the same"(kit) {
    const one = await subscribed(kit, await connected(kit), NEWS)
    const two = await subscribed(kit, await connected(kit), NEWS, undefined, 2)
    assert.equal(await kit.server("publish", "news", 1), 2)
    await kit.until(() => one.results.length && two.results.length, "both")
  },

  async "a result may have errors"(kit) {
    const main = await connected(kit)
    const told = await subscribed(kit, main, NEWS)
    await kit.server("publish_errors", "news", "not allowed")
    await kit.until(() => told.results.length, "the result")
    assert.equal(told.results[0].errors[0].message, "not allowed")
    assert.deepEqual(told.aborts, [])
  },

  async "what is cancelled is unsubscribed"(kit) {
    const main = await connected(kit)
    const told = await subscribed(kit, main, NEWS)
    const other = await subscribed(kit, main, "subscription { weather }", undefined, 2)
    cancel(main, told)
    await kit.until(() => subscriptions(kit, 1), "the unsubscription")
    await kit.until(() => told.cancels === 1, "the end")
    assert.equal(await kit.server("publish", "news", 1), 0)
    assert.equal(await kit.server("publish", "weather", "rain"), 1)
    await kit.until(() => other.results.length, "the other")
    assert.deepEqual(told.results, [])
  },

  async "what is cancelled can be sent again"(kit) {
    const main = await connected(kit)
    const first = await subscribed(kit, main, NEWS)
    cancel(main, first)
    await kit.until(() => first.cancels === 1, "the end")
    const told = await subscribed(kit, main, NEWS)
    await kit.server("publish", "news", 2)
    await kit.until(() => told.results.length, "the result")
    assert.deepEqual([first.results, told.results], [[], [{ data: { news: 2 } }]])
  },

  async "a document that is wrong aborts it alone"(kit) {
    const main = await connected(kit)
    const told = send(main, "subscription { wrong }")
    await kit.until(() => told.aborts.length, "the abort")
    const other = await subscribed(kit, main, NEWS)
    await kit.server("publish", "news", 1)
    await kit.until(() => other.results.length, "the other")
    assert.deepEqual([told.starts, told.results], [0, []])
  },
}
