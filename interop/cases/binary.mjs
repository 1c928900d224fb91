// Binary payloads, as far as the transport has them.

import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { bytes, countJoins, hear, ok, outcome, over, values } from "../kit.mjs"

const websocket = (test) => over(["websocket"], test)
const longpoll = (test) => over(["longpoll", "fallback"], test)

export const cases = {
  async "a binary push arrives"(kit) {
    const channel = await kit.join("echo:ä")
    const data = Uint8Array.from({ length: 1000 }, (_, n) => n % 256)
    assert.deepEqual(await ok(channel.push("binary_size", data.buffer)), {
      size: 1000,
      sha256: createHash("sha256").update(data).digest("hex"),
    })
  },

  async "a binary push waits for the join"(kit) {
    const socket = kit.socket()
    const channel = socket.channel("echo:a", {})
    channel.join()
    const push = ok(channel.push("binary_size", bytes(0, 10, 255)))
    socket.connect()
    assert.equal((await push).size, 3)
  },

  "a binary reply arrives": websocket(async (kit) => {
    const channel = await kit.join("echo:a")
    const reply = await ok(channel.push("binary", bytes(0, 1, 128, 255)))
    assert.deepEqual(values(reply), [0, 1, 128, 255])
    const empty = await ok(channel.push("binary", bytes()))
    assert.deepEqual(values(empty), [])
  }),

  "a binary error reply arrives": websocket(async (kit) => {
    const channel = await kit.join("echo:a")
    const push = channel.push("binary_error", bytes(255, 0))
    const [status, reply] = await outcome(push)
    assert.deepEqual([status, values(reply)], ["error", [255, 0]])
  }),

  "a binary push from the server arrives": websocket(async (kit) => {
    const channel = await kit.join("echo:a")
    const heard = hear(channel, "pushed_binary")
    await ok(channel.push("push_binary", bytes(1, 2, 254)))
    await kit.until(() => heard.length === 1, "the push")
    assert.deepEqual(values(heard[0]), [1, 2, 254])
  }),

  "a binary broadcast goes to all": websocket(async (kit) => {
    const one = await kit.join("echo:a")
    const two = await kit.join("echo:a")
    const heard = [hear(one, "shout"), hear(two, "shout")]
    await ok(one.push("broadcast_binary", bytes(9, 0, 9)))
    await ok(two.push("broadcast_binary", bytes()))
    await kit.until(() => heard.every((it) => it.length === 2), "the broadcasts")
    for (const each of heard) assert.deepEqual(each.map(values), [[9, 0, 9], []])
  }),

  // Phoenix cannot send it, and answers the poll with HTTP 500.
  // phoenix.js polls no more then, and finds out when it publishes to a session that
  // the server has given up.
  "a binary reply ends a session of long-poll": longpoll(async (kit) => {
    const channel = await kit.join("echo:a")
    const joins = countJoins(channel)
    channel.push("binary", bytes(255, 254))
    await kit.until(async () => {
      const [session] = await kit.server("sessions")
      return !session.is_open
    }, "the end of the session")
    channel.push("echo", {})
    await kit.until(() => joins.count === 2, "the rejoin")
    assert.deepEqual(await ok(channel.push("echo", { n: 1 })), { n: 1 })
  }),
}
