// Coming back after a connection is lost.

import assert from "node:assert/strict"
import { countJoins, hear, ok, over } from "../kit.mjs"

// Lose the connections, and see that both channels are back and at work.
async function comesBack(kit, lose, others = {}) {
  const socket = await kit.connect(others)
  const channels = [
    await kit.join("echo:a", {}, socket),
    await kit.join("echo:b", {}, socket),
  ]
  const joins = channels.map(countJoins)
  const news = hear(channels[0], "news")
  const before = (await kit.server("sessions")).length
  let pushed = null
  channels[0].onError(() => {
    // Kept for the rejoin.
    pushed = pushed ?? ok(channels[0].push("echo", { n: 1 }))
  })
  await lose(socket)
  await kit.until(() => joins.every(({ count }) => count === 2), "the rejoins")
  assert.deepEqual(await pushed, { n: 1 })
  const after = await kit.server("sessions")
  assert.ok(after.length > before)
  for (let n = 0; n < 100; n++) await kit.server("broadcast", "echo:a", "news", { n })
  await kit.until(() => news.length === 100, "the broadcasts")
  assert.deepEqual(
    news.map(({ n }) => n),
    Array.from({ length: 100 }, (_, n) => n),
  )
  assert.deepEqual(await ok(channels[1].push("echo", { n: 2 })), { n: 2 })
  // A session of long-poll that was left ends by itself, after a while.
  await kit.until(async () => {
    return (await kit.server("topics")).join() === "echo:a,echo:b"
  }, "the old channels to end")
}

export const cases = {
  async "after a restart"(kit) {
    await comesBack(kit, () => kit.server("restart"))
  },

  async "after a server was down for a while"(kit) {
    await comesBack(kit, async (socket) => {
      await kit.server("stop")
      let errors = 0
      socket.onError(() => (errors += 1))
      await kit.until(() => errors >= 3, "failed attempts")
      await kit.server("start")
    })
  },

  async "after the connection broke"(kit) {
    await comesBack(kit, () => kit.server("drop"))
  },

  async "after it was thrown out"(kit) {
    const params = { user_id: "me" }
    const kick = async () => assert.equal(await kit.server("kick", "user_socket:me"), 1)
    await comesBack(kit, kick, { params })
  },

  async "after it had disconnected by itself"(kit) {
    await comesBack(kit, async (socket) => {
      await new Promise((done) => socket.disconnect(done))
      socket.connect()
    })
  },

  "after a heartbeat without an answer": over(["websocket"], async (kit) => {
    await comesBack(kit, async (socket) => {
      const usual = socket.heartbeatIntervalMs
      await kit.server("pause")
      socket.heartbeatIntervalMs = 120
      socket.resetHeartbeat()
      await kit.until(() => !socket.isConnected(), "the loss")
      // What follows is not to be lost on a machine that is busy.
      socket.heartbeatIntervalMs = usual
      await kit.server("resume")
    })
  }),
}
