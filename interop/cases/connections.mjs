// Connecting, and being refused.

import assert from "node:assert/strict"
import { beat, hear, ok, sleep } from "../kit.mjs"
import { Socket } from "../library.mjs"

// Whether a socket was refused, and never opened.
async function isRefused(kit, others, delay = 10) {
  const socket = kit.socket({ reconnectAfterMs: () => delay, ...others })
  let opens = 0
  let errors = 0
  socket.onOpen(() => (opens += 1))
  socket.onError(() => (errors += 1))
  socket.connect()
  await kit.until(() => errors >= 2, "the refusal")
  await sleep(50)
  return opens === 0 && !socket.isConnected()
}

export const cases = {
  async "the params arrive"(kit) {
    const params = { user_id: "me", deep: { a: "ä b&=", n: 1 }, yes: true }
    await kit.join("echo:a", {}, await kit.connect({ params }))
    const [session] = (await kit.server("sessions")).filter(({ is_open }) => is_open)
    assert.deepEqual(session.params, {
      user_id: "me",
      deep: { a: "ä b&=", n: "1" },
      yes: "true",
      vsn: "2.0.0",
    })
    assert.equal(session.transport, kit.carrier)
    assert.equal(session.serializer, "Phoenix.Socket.V2.JSONSerializer")
  },

  async "the auth token arrives"(kit) {
    const authToken = "right/token+=~"
    const socket = await kit.connect({ path: "/authsocket", authToken })
    const channel = socket.channel("token:a", {})
    assert.deepEqual(await ok(channel.join()), {
      token: authToken,
      transport: kit.carrier,
    })
  },

  async "the auth token is asked for anew"(kit) {
    const tokens = ["right/token+=~"]
    const socket = await kit.connect({
      path: "/authsocket",
      authToken: () => tokens[0],
    })
    const channel = socket.channel("token:a", {})
    const seen = []
    channel.joinPush.receive("ok", ({ token }) => seen.push(token))
    await ok(channel.join())
    tokens[0] = "the-next-token"
    await kit.server("drop")
    await kit.until(() => seen.length === 2, "the rejoin")
    assert.deepEqual(seen, ["right/token+=~", "the-next-token"])
  },

  async "a wrong auth token is refused"(kit) {
    assert.ok(await isRefused(kit, { path: "/authsocket", authToken: "wrong" }))
    assert.deepEqual(await kit.server("sessions"), [])
  },

  async "no auth token is refused where one is wanted"(kit) {
    assert.ok(await isRefused(kit, { path: "/authsocket" }))
    assert.deepEqual(await kit.server("sessions"), [])
  },

  async "a connect that the application refuses is a 403"(kit) {
    const logged = []
    const params = { token: "invalid" }
    const logger = (kind, text, data) => logged.push([kind, text, data])
    assert.ok(await isRefused(kit, { params, logger }))
    assert.deepEqual(await kit.server("sessions"), [])
    const errors = []
    const socket = kit.socket({ params })
    socket.onError((error) => errors.push(error))
    socket.connect()
    await kit.until(() => errors.length >= 2, "the refusals")
    // The fallback's first refusal is that of the WebSocket.
    const told = errors.at(kit.transport === "fallback" ? -1 : 0)
    if (kit.carrier === "longpoll") assert.equal(told, 403)
    else assert.match(told.message, /403/)
  },

  async "a wrong path is not found"(kit) {
    assert.ok(await isRefused(kit, { path: "/elsewhere" }))
  },

  async "a heartbeat is sent each interval, and answered"(kit) {
    const socket = await kit.connect()
    beat(socket, 3, 60)
    let answers = 0
    let closes = 0
    socket.onMessage(({ topic, event, payload }) => {
      if (topic === "phoenix" && event === "phx_reply" && payload.status === "ok") {
        answers += 1
      }
    })
    socket.onClose(() => (closes += 1))
    if (kit.carrier === "longpoll") {
      // Its polls are as good.
      await sleep(200)
      assert.equal(answers, 0)
    } else {
      await kit.until(() => answers === 3, "three heartbeats")
    }
    assert.equal(closes, 0)
    assert.ok(socket.isConnected())
  },

  async "a ping is answered"(kit) {
    const socket = await kit.connect()
    const trip = await new Promise((done) => assert.ok(socket.ping(done)))
    assert.equal(typeof trip, "number")
  },

  async "a socket that disconnects is gone"(kit) {
    const socket = await kit.connect()
    const channel = await kit.join("echo:a", {}, socket)
    const heard = hear(channel, "phx_error")
    await new Promise((done) => socket.disconnect(done))
    assert.equal(heard.length, 1)
    if (kit.carrier === "websocket") {
      await kit.until(async () => !(await kit.server("topics")).length, "the end")
    }
    await sleep(100)
    assert.ok(!socket.isConnected())
    assert.ok(socket instanceof Socket)
  },
}
