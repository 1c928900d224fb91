// The workloads with Phoenix's own client, on Node with the package ws.
//
//     node --expose-gc phoenix_js.mjs DIRECTORY WORKLOAD PORT SIZES
//
// DIRECTORY holds node_modules.  What was measured is printed as JSON, and the exit
// code is 3 if a message was lost or out of order, as in measure.py.

import { createRequire } from "node:module"
import { resolve } from "node:path"

import { longpoll } from "./phoenix_js_longpoll.mjs"

const [directory, workload, port, sizesText] = process.argv.slice(2)
const require = createRequire(resolve(directory, "package.json"))
const { LongPoll, Socket } = require("phoenix")
const WebSocket = require("ws")

const WRONG = 3
const PATIENCE = 60000
const BODY = "x".repeat(40)

// The time that has passed, and what this process had of its core; see stopwatch.py.
function stopwatch() {
  const began = performance.now()
  const used = process.cpuUsage()
  return (count, name = "rate") => {
    const seconds = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(used)
    return { [name]: count / seconds, [`${name}_cpu`]: (count / (user + system)) * 1e6 }
  }
}

function fail(why) {
  console.error(why)
  process.exit(WRONG)
}

function connect(options = {}) {
  const socket = new Socket(`ws://127.0.0.1:${port}/socket`, {
    transport: WebSocket,
    timeout: PATIENCE,
    ...options,
  })
  return new Promise((opened) => {
    socket.onOpen(() => opened(socket))
    socket.connect()
  })
}

function answer(push) {
  return new Promise((done) => {
    push
      .receive("ok", done)
      .receive("error", () => fail("the server answered with an error"))
      .receive("timeout", () => fail("the server did not answer"))
  })
}

function make(socket, channels) {
  return Array.from({ length: channels }, (_, n) => socket.channel(`bench:${n}`, {}))
}

async function join(socket, channels) {
  const made = make(socket, channels)
  await Promise.all(made.map((channel) => answer(channel.join())))
  return made
}

// What takes numbered messages, and a promise of the last.
function sequence(count) {
  let received = 0
  let finish
  const done = new Promise((resolveDone) => (finish = resolveDone))
  const timer = setTimeout(
    () => fail(`expected ${count} messages, got ${received}`),
    PATIENCE,
  )
  const take = (payload) => {
    if (payload.n !== received) {
      fail(`expected message ${received}, got message ${payload.n}`)
    }
    received += 1
    if (received === count) {
      clearTimeout(timer)
      finish()
    }
  }
  const check = () => {
    if (received !== count) fail(`expected ${count} messages, got ${received}`)
  }
  return { take, done, check }
}

function residentKilobytes() {
  global.gc()
  return process.memoryUsage().rss / 1024
}

const workloads = {
  ...longpoll({ LongPoll, connect, join, answer, sequence, stopwatch, BODY }),

  async flood({ count, channels }) {
    const socket = await connect()
    const joined = await join(socket, channels)
    await answer(joined[0].push("prepare", { count, channels }))
    const { take, done, check } = sequence(count)
    for (const channel of joined) channel.on("msg", take)
    const rates = stopwatch()
    joined[0].push("flood", {})
    await done
    const measured = rates(count)
    await answer(joined[0].push("ping", {}))
    check()
    return measured
  },

  async ping({ count, window }) {
    const socket = await connect()
    const [channel] = await join(socket, 1)
    const { take, done, check } = sequence(count)
    let pushed = 0
    const push = () => {
      const payload = { n: pushed, body: BODY }
      pushed += 1
      channel.push("ping", payload).receive("ok", answered)
    }
    const answered = (payload) => {
      take(payload)
      if (pushed < count) push()
    }
    const rates = stopwatch()
    for (let n = 0; n < Math.min(window, count); n++) push()
    await done
    const measured = rates(count)
    await answer(channel.push("ping", {}))
    check()
    return measured
  },

  async joins({ channels }) {
    const socket = await connect()
    const rates = stopwatch()
    const made = await join(socket, channels)
    const joins = rates(channels, "joins")
    const leaving = stopwatch()
    await Promise.all(made.map((channel) => answer(channel.leave())))
    return { ...joins, ...leaving(channels, "leaves") }
  },

  async channels({ channels }) {
    const socket = await connect()
    const few = await join(socket, 100)
    await Promise.all(few.map((channel) => answer(channel.leave())))
    const before = residentKilobytes()
    await join(socket, channels)
    return { kilobytes: (residentKilobytes() - before) / channels }
  },

  async sockets({ sockets }) {
    const kept = []
    const open = async (count) => {
      let left = count
      const one = async () => {
        while (left-- > 0) {
          const socket = await connect()
          await join(socket, 1)
          kept.push(socket)
        }
      }
      await Promise.all(Array.from({ length: 50 }, one))
    }
    await open(50)
    const before = residentKilobytes()
    const rates = stopwatch()
    await open(sockets)
    const measured = rates(sockets)
    const kilobytes = (residentKilobytes() - before) / sockets
    const alive = kept.filter((socket) => socket.isConnected()).length
    if (alive !== sockets + 50) fail(`${alive} of ${sockets + 50} sockets are open`)
    return { ...measured, kilobytes }
  },

  async reconnect({ channels }) {
    const socket = await connect({
      reconnectAfterMs: () => 0,
      rejoinAfterMs: () => 0,
    })
    const made = make(socket, channels)
    let joins = 0
    let back
    const rejoined = new Promise((done) => (back = done))
    const first = new Promise((done) => {
      for (const channel of made) {
        // A join's hooks are called at each rejoin as well.
        channel.join().receive("ok", () => {
          joins += 1
          if (joins === channels) done()
          if (joins === 2 * channels) back()
        })
      }
    })
    await first
    let lost
    socket.onClose(() => (lost = lost ?? stopwatch()))
    made[0].push("drop", {})
    await rejoined
    const measured = lost(channels)
    await Promise.all(made.map((channel) => answer(channel.push("ping", {}))))
    return measured
  },

  async encode({ count }) {
    const { encode } = new Socket("ws://127.0.0.1/socket", { transport: WebSocket })
    const payload = { n: 1, body: BODY }
    const ignore = () => {}
    const rates = stopwatch()
    for (let n = 0; n < count; n++) {
      const message = { join_ref: "1", ref: "2", topic: "bench:0", event: "ping", payload }
      encode(message, ignore)
    }
    return rates(count)
  },

  async decode({ count }) {
    const { decode } = new Socket("ws://127.0.0.1/socket", { transport: WebSocket })
    const data = JSON.stringify(["1", "2", "bench:0", "ping", { n: 1, body: BODY }])
    const ignore = () => {}
    const rates = stopwatch()
    for (let n = 0; n < count; n++) decode(data, ignore)
    return rates(count)
  },

  async route({ count, channels }) {
    const socket = await connect()
    const joined = await join(socket, channels)
    // What is routed is decoded already.
    socket.decode = (message, take) => take(message)
    const { take, check } = sequence(count)
    for (const channel of joined) channel.on("msg", take)
    const messages = Array.from({ length: count }, (_, n) => {
      const channel = joined[n % channels]
      return {
        join_ref: channel.joinRef(),
        ref: null,
        topic: channel.topic,
        event: "msg",
        payload: { n },
      }
    })
    const rates = stopwatch()
    for (const message of messages) socket.onConnMessage({ data: message })
    const measured = rates(count)
    check()
    return measured
  },
}

const measured = await workloads[workload](JSON.parse(sizesText))
process.stdout.write(JSON.stringify(measured) + "\n", () => process.exit(0))
