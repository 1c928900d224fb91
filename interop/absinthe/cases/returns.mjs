// What is lost comes back, or ends.

import assert from "node:assert/strict"
import { cancel, connected, send, subscribed, subscriptions } from "../library.mjs"

export const over = ["websocket", "longpoll"]

const NEWS = "subscription { news }"

// Lose something, and have news once it is subscribed again.
async function comesBack(kit, word, ...args) {
  const main = await connected(kit)
  const told = await subscribed(kit, main, NEWS)
  await kit.server("publish", "news", 1)
  await kit.until(() => told.results.length === 1, "the first")
  const ids = await kit.server("ids")
  await kit.server(word, ...args)
  await kit.until(() => subscriptions(kit, 1), "another subscription")
  await kit.until(async () => `${await kit.server("ids")}` !== `${ids}`, "another id")
  await kit.server("publish", "news", 2)
  await kit.until(() => told.results.length === 2, "the second")
  assert.deepEqual(told.results, [{ data: { news: 1 } }, { data: { news: 2 } }])
  return { main, told }
}

export const cases = {
  async "a lost connection"(kit) {
    const { told } = await comesBack(kit, "drop")
    assert.deepEqual(told.errors, ["connection: close"])
  },

  async "a server that restarts"(kit) {
    await comesBack(kit, "restart")
  },

  async "a control channel that crashes"(kit) {
    const { told } = await comesBack(kit, "kill", "__absinthe__:control")
    assert.deepEqual(told.errors, [])
  },

  async "again and again"(kit) {
    const { main, told } = await comesBack(kit, "drop")
    for (let n = 3; n < 6; n += 1) {
      await kit.server("drop")
      await kit.until(() => main.counts.opens === n, "the connection")
      await kit.until(() => subscriptions(kit, 1), "another subscription")
      await kit.server("publish", "news", n)
      await kit.until(() => told.results.length === n, "the next")
    }
  },

  async "what was cancelled stays away"(kit) {
    const main = await connected(kit)
    const told = await subscribed(kit, main, NEWS)
    cancel(main, told)
    await kit.until(() => told.cancels === 1, "the end")
    await subscribed(kit, main, "subscription { weather }")
    await kit.server("drop")
    await kit.until(() => main.counts.opens === 2, "the connection")
    await kit.until(() => subscriptions(kit, 1), "the other")
    assert.equal(await kit.server("publish", "news", 1), 0)
  },

  async "a query under way is sent again"(kit) {
    const main = await connected(kit)
    const told = send(main, "query { hang }")
    await kit.until(async () => (await kit.server("received", "doc")) === 1, "it")
    await kit.server("drop")
    await kit.until(async () => (await kit.server("received", "doc")) === 2, "it again")
    assert.deepEqual([told.errors, told.aborts], [["connection: close"], []])
  },

  async "a mutation under way ends"(kit) {
    const main = await connected(kit)
    const told = send(main, "mutation { hang }")
    await kit.until(async () => (await kit.server("received", "doc")) === 1, "it")
    await kit.server("drop")
    await kit.until(() => told.aborts.length, "its end")
    assert.deepEqual(told.aborts, ["connection: close"])
    await kit.until(() => main.counts.opens === 2, "the connection")
    assert.equal(await kit.server("received", "doc"), 1)
  },
}
