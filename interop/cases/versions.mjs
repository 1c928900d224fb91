// Version 1 of the wire format, which phoenix.js speaks if it is given a codec for it.
//
// Over long-poll it takes no codec.

import assert from "node:assert/strict"
import { countJoins, hear, ok, outcome } from "../kit.mjs"

export const over = ["websocket"]

const v1 = {
  vsn: "1.0.0",
  encode: (message, done) => done(JSON.stringify(message)),
  decode: (text, done) => done(JSON.parse(text)),
}

export const cases = {
  async "version 1: joins, pushes and replies"(kit) {
    const socket = await kit.connect(v1)
    const channel = socket.channel("echo:a", { a: 1 })
    const heard = [hear(channel, "pushed"), hear(channel, "shout")]
    assert.deepEqual(await ok(channel.join()), { topic: "echo:a", params: { a: 1 } })
    assert.deepEqual(await ok(channel.push("echo", { n: "ü" })), { n: "ü" })
    assert.deepEqual(await outcome(channel.push("echo_error", { n: 1 })), [
      "error",
      { n: 1 },
    ])
    await ok(channel.push("push_me", { n: 2 }))
    await ok(channel.push("broadcast", { n: 3 }))
    await kit.until(() => heard.every((it) => it.length === 1), "what was sent")
    assert.deepEqual(heard, [[{ n: 2 }], [{ n: 3 }]])
    const [session] = (await kit.server("sessions")).slice(-1)
    assert.equal(session.serializer, "Phoenix.Socket.V1.JSONSerializer")
    await ok(channel.leave())
  },

  async "version 1: a crash and a restart"(kit) {
    const socket = await kit.connect(v1)
    const channel = await kit.join("echo:a", {}, socket)
    const joins = countJoins(channel)
    channel.push("crash", {})
    await kit.until(() => joins.count === 2, "the rejoin after the crash")
    await kit.server("restart")
    await kit.until(() => joins.count === 3, "the rejoin after the restart")
    assert.deepEqual(await ok(channel.push("echo", { n: 1 })), { n: 1 })
  },
}
