// Who is present.

import assert from "node:assert/strict"
import { subscribe } from "../kit.mjs"

// A client with a presence's key, and what it is told.
async function member(kit, key) {
  const told = []
  const channel = await kit.subscribed("room", { presence: { key } }, (it) => {
    it.on("presence", { event: "join" }, (payload) => told.push(["join", payload.key]))
    it.on("presence", { event: "leave" }, (payload) => told.push(["leave", payload.key]))
  })
  return { channel, told }
}

function metas({ channel }) {
  const state = channel.presenceState()
  return Object.fromEntries(
    Object.entries(state).map(([key, list]) => [
      key,
      list.map(({ presence_ref, ...meta }) => meta),
    ]),
  )
}

export const cases = {
  async "two come, one changes, one goes"(kit) {
    const ann = await member(kit, "ann")
    const bob = await member(kit, "bob")
    assert.equal(await ann.channel.track({ at: 1 }), "ok")
    assert.equal(await bob.channel.track({ at: 2 }), "ok")
    const both = { ann: [{ at: 1 }], bob: [{ at: 2 }] }
    for (const each of [ann, bob]) {
      await kit.until(() => Object.keys(metas(each)).length === 2, "both")
      assert.deepEqual(metas(each), both)
    }
    assert.equal(await ann.channel.track({ at: 3 }), "ok")
    await kit.until(() => metas(bob).ann[0].at === 3, "the change")
    assert.equal(await ann.channel.untrack(), "ok")
    await kit.until(() => !metas(bob).ann, "the leave")
    assert.deepEqual(bob.told.at(-1), ["leave", "ann"])
  },

  async "who comes later is told who is there"(kit) {
    const ann = await member(kit, "ann")
    await ann.channel.track({ at: 1 })
    const bob = await member(kit, "bob")
    await kit.until(() => metas(bob).ann, "the state")
  },

  async "who does not say a key is given one"(kit) {
    const one = await member(kit, "")
    await one.channel.track({ at: 1 })
    await kit.until(() => Object.keys(metas(one)).length, "the presence")
    assert.match(Object.keys(metas(one))[0], /^[0-9a-f-]{36}$/)
  },

  async "a presence ends with its connection"(kit) {
    const ann = await member(kit, "ann")
    const bob = await member(kit, "bob")
    await ann.channel.track({ at: 1 })
    await kit.until(() => metas(bob).ann, "the presence")
    await kit.clients[0].disconnect()
    await kit.until(() => !metas(bob).ann, "its end")
  },

  async "who tracks without listening is seen"(kit) {
    const bob = await member(kit, "bob")
    const channel = await kit.subscribed("room", { presence: { key: "ann" } })
    assert.equal(await channel.track({ at: 1 }), "ok")
    await kit.until(() => metas(bob).ann, "the presence")
  },

  async "who tracks too often is put out"(kit) {
    const { channel } = await member(kit, "ann")
    for (let at = 0; at < 5; at += 1) assert.equal(await channel.track({ at }), "ok")
    channel.track({ at: 5 })
    await kit.until(() => channel.statuses.length === 2, "the end")
    assert.equal(channel.statuses.at(-1)[0], "CLOSED")
    // It may come back.
    const again = (await kit.client()).channel("room")
    assert.deepEqual(await subscribe(again), ["SUBSCRIBED", null])
  },
}
