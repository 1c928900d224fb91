// From the WebSocket to long-poll, and when not.

import assert from "node:assert/strict"
import { countJoins, ok, sleep } from "../kit.mjs"

export const over = ["fallback"]

async function transports(kit) {
  return (await kit.server("sessions")).map(({ transport }) => transport)
}

export const cases = {
  async "a WebSocket that works stays"(kit) {
    await kit.server("refuse", null, "websocket")
    const channel = await kit.join("echo:a")
    await sleep(400)
    assert.deepEqual(await ok(channel.push("echo", { n: 1 })), { n: 1 })
    assert.deepEqual(await transports(kit), ["websocket"])
  },

  async "a WebSocket that is refused gives way"(kit) {
    await kit.join("echo:a")
    assert.deepEqual(await transports(kit), ["longpoll"])
  },

  async "a WebSocket that does not answer gives way"(kit) {
    await kit.server("refuse", null, "websocket")
    // A join that takes its time holds the whole session, heartbeats too.
    await kit.server("next_joins", "gate:a", "hold")
    const socket = kit.socket()
    const channel = socket.channel("gate:a", {})
    const joins = countJoins(channel)
    channel.join()
    socket.connect()
    await kit.until(() => joins.count === 1, "the join")
    assert.deepEqual(await transports(kit), ["websocket", "longpoll"])
    assert.deepEqual(await ok(channel.push("echo", { n: 1 })), { n: 1 })
  },

  async "it stays with long-poll after a restart"(kit) {
    const channel = await kit.join("echo:a")
    const joins = countJoins(channel)
    await kit.server("restart")
    await kit.until(() => joins.count === 2, "the rejoin")
    assert.deepEqual(await transports(kit), ["longpoll", "longpoll"])
  },

  async "neither WebSocket nor long-poll, then long-poll"(kit) {
    await kit.server("refuse", 503)
    const socket = kit.socket()
    let errors = 0
    socket.onError(() => (errors += 1))
    const channel = socket.channel("echo:a", {})
    const joins = countJoins(channel)
    channel.join()
    socket.connect()
    await kit.until(() => errors >= 3, "failed attempts")
    await kit.server("refuse", null)
    await kit.server("refuse", 503, "websocket")
    await kit.until(() => joins.count === 1, "the join")
    assert.deepEqual(await transports(kit), ["longpoll"])
  },
}
