// Phoenix's own Presence, with the server's states and diffs.

import assert from "node:assert/strict"
import { countJoins, ok } from "../kit.mjs"
import { Presence } from "../library.mjs"

class Watcher {
  constructor(channel) {
    this.presence = new Presence(channel)
    this.told = []
    this.presence.onJoin((key, current, { metas }) => {
      this.told.push(`${key} ${current ? "also joins" : "joins"} ${moods(metas)}`)
    })
    this.presence.onLeave((key, current, { metas }) => {
      const stays = current.metas.length > 0
      this.told.push(`${key} ${stays ? "leaves in part" : "leaves"} ${moods(metas)}`)
    })
    this.syncs = 0
    this.presence.onSync(() => (this.syncs += 1))
  }

  get list() {
    return this.presence.list((key, { metas }) => `${key} ${moods(metas)}`).sort()
  }
}

function moods(metas) {
  return metas.map(({ mood }) => mood).join()
}

async function enter(kit, user) {
  const socket = await kit.connect()
  const channel = socket.channel("people:here", { user })
  const watcher = new Watcher(channel)
  await ok(channel.join())
  await kit.until(() => watcher.list.some((it) => it.startsWith(user)), user)
  return { channel, socket, watcher }
}

export const cases = {
  async "a client sees itself"(kit) {
    const { watcher } = await enter(kit, "ann")
    assert.deepEqual(watcher.list, ["ann fresh"])
    // The diff of its own joining came before the state, and is told again after it.
    assert.deepEqual(watcher.told, ["ann joins fresh", "ann also joins fresh"])
    assert.equal(watcher.syncs, 1)
  },

  async "two clients see each other come and go"(kit) {
    const ann = await enter(kit, "ann")
    const bob = await enter(kit, "bob")
    await kit.until(() => ann.watcher.list.length === 2, "bob")
    assert.deepEqual(ann.watcher.list, ["ann fresh", "bob fresh"])
    assert.deepEqual(bob.watcher.list, ["ann fresh", "bob fresh"])
    await ok(bob.channel.leave())
    await kit.until(() => ann.watcher.list.length === 1, "bob's leave")
    assert.deepEqual(ann.watcher.told.slice(2), [
      "bob joins fresh",
      "bob leaves fresh",
    ])
  },

  async "an update is a join and a leave"(kit) {
    const ann = await enter(kit, "ann")
    const bob = await enter(kit, "bob")
    await ok(bob.channel.push("update", { mood: "tired" }))
    await kit.until(() => ann.watcher.list.includes("bob tired"), "the update")
    assert.deepEqual(ann.watcher.told.slice(-2), [
      "bob also joins tired",
      "bob leaves in part fresh",
    ])
    assert.deepEqual(ann.watcher.list, ["ann fresh", "bob tired"])
  },

  async "one user may be there twice"(kit) {
    const ann = await enter(kit, "ann")
    const again = await enter(kit, "ann")
    await kit.until(() => ann.watcher.list.includes("ann fresh,fresh"), "the second")
    await new Promise((done) => again.channel.leave().receive("ok", done))
    await kit.until(() => ann.watcher.list.includes("ann fresh"), "the leave")
    assert.deepEqual(ann.watcher.told.slice(-2), [
      "ann also joins fresh",
      "ann leaves in part fresh",
    ])
  },

  async "after a reconnect it hears what has changed"(kit) {
    const ann = await enter(kit, "ann")
    const bob = await enter(kit, "bob")
    await kit.until(() => ann.watcher.list.length === 2, "bob")
    const joins = countJoins(ann.channel)
    await kit.server("restart")
    await kit.until(() => joins.count === 2, "the rejoin")
    await kit.until(async () => {
      const lists = [ann.watcher.list, bob.watcher.list]
      return lists.every((it) => it.join() === "ann fresh,bob fresh")
    }, "both lists")
  },
}
