// The workloads with Phoenix's own client, on Node with the package ws.
//
//     node --expose-gc phoenix_js.mjs DIRECTORY WORKLOAD PORT SIZES SCHEME
//
// DIRECTORY holds node_modules.  What was measured is printed as JSON, and the exit
// code is 3 if a message was lost or out of order, as in measure.py.

import { randomBytes } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { resolve } from "node:path"
import { crc32 } from "node:zlib"

import { longpoll } from "./phoenix_js_longpoll.mjs"

const [directory, workload, port, sizesText, scheme] = process.argv.slice(2)
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

function connect(options = {}, path = "/socket") {
  const socket = new Socket(`${scheme}://127.0.0.1:${port}${path}`, {
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

// Have a flood prepared and sent.
async function flooded(joined, prepare, wanted, event = "flood") {
  const { count } = wanted
  await answer(joined[0].push(prepare, wanted))
  const { take, done, check } = sequence(count)
  for (const channel of joined) channel.on("msg", take)
  const rates = stopwatch()
  joined[0].push(event, {})
  await done
  const measured = rates(count)
  await answer(joined[0].push("ping", {}))
  check()
  return measured
}

const MEGABYTE = 1000000
const HEAD = 8

async function receiveLarge(channel, count, size, binary) {
  await answer(channel.push("prepare-large", { count, size, binary }))
  const { take, done, check } = sequence(count)
  let last
  const ref = channel.on("msg", (payload) => {
    last = payload
    const length = binary ? payload.byteLength - HEAD : payload.body.length
    if (length !== size) fail(`a message has ${length} bytes, not ${size}`)
    take(binary ? { n: new DataView(payload).getUint32(0) } : payload)
  })
  const peak = peakOfMemory()
  const rates = stopwatch()
  channel.push("flood", {})
  await done
  const measured = rates((count * size) / MEGABYTE)
  measured.peak = peak() / size
  check()
  const sum = binary ? new DataView(last).getUint32(4) : last.crc
  const data = binary ? new Uint8Array(last, HEAD) : last.body
  if (crc32(data) !== sum) fail("the last message is not what was sent")
  channel.off("msg", ref)
  return measured
}

async function pushLarge(channel, count, size, binary, verify) {
  const data = randomBytes(size)
  const body = binary ? null : data.toString("base64").slice(0, size)
  const buffer = new ArrayBuffer(binary ? HEAD + size : 0)
  const crc = crc32(binary ? data : body)
  if (binary) new Uint8Array(buffer).set(data, HEAD)
  const { take, check } = sequence(count)
  const peak = peakOfMemory()
  const rates = stopwatch()
  for (let n = 0; n < count; n++) {
    let payload = { n, crc, body }
    if (binary) {
      const view = new DataView(buffer)
      view.setUint32(0, n)
      view.setUint32(4, crc)
      payload = buffer
    }
    take(await answer(channel.push(verify ? "check" : "store", payload)))
  }
  const measured = rates((count * size) / MEGABYTE)
  measured.peak = peak() / size
  check()
  return measured
}

// Do a thing so many times, 50 at a time.
async function many(count, one) {
  let left = count
  const work = async () => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: 50 }, work))
}

function residentKilobytes(garbage = false) {
  if (!garbage) global.gc()
  return process.memoryUsage().rss / 1024
}

// How much the resident set grows at most from now on, in bytes; see memory.py.
function peakOfMemory() {
  const before = 1024 * residentKilobytes()
  if (existsSync("/proc/self/clear_refs")) writeFileSync("/proc/self/clear_refs", "5")
  return () => {
    const status = existsSync("/proc/self/status")
      ? readFileSync("/proc/self/status", "latin1").match(/VmHWM:\s*(\d+)/)
      : null
    const highest = status ? Number(status[1]) : process.resourceUsage().maxRSS
    return Math.max(0, 1024 * highest - before)
  }
}

const workloads = {
  ...longpoll({ LongPoll, connect, join, answer, sequence, stopwatch, BODY }),

  async flood({ count, channels, each }) {
    const joined = await join(await connect(), channels)
    const event = each ? "flood-each" : "flood"
    return flooded(joined, "prepare", { count, channels }, event)
  },

  // The package ws offers compression unless told otherwise.
  async compressed({ count, size }) {
    const joined = await join(await connect({}, "/deflate"), 1)
    return flooded(joined, "prepare-chat", { count, size })
  },

  // See large.py.
  async large({ kilobytes, megabytes, binary, pushed, verify }) {
    const [channel] = await join(await connect(), 1)
    const run = pushed ? pushLarge : receiveLarge
    const size = 1024 * kilobytes
    await run(channel, 1, 1024, binary, verify)
    const first = await run(channel, 1, size, binary, verify)
    const count = Math.max(3, Math.floor((1024 * megabytes) / kilobytes))
    const many = await run(channel, count, size, binary, verify)
    const label = kilobytes >= 1024 ? `${kilobytes / 1024} MiB` : `${kilobytes} KiB`
    const name = `${pushed ? "pushed" : "received"} ${label}`
    return {
      [name]: many.rate,
      [`${name}_cpu`]: many.rate_cpu,
      [`${name} peak`]: first.peak,
    }
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
    const before = residentKilobytes()
    const rates = stopwatch()
    const made = await join(socket, channels)
    const joins = rates(channels, "joins")
    const kilobytes = (residentKilobytes(true) - before) / channels
    const leaving = stopwatch()
    await Promise.all(made.map((channel) => answer(channel.leave())))
    return { ...joins, ...leaving(channels, "leaves"), kilobytes }
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
    const open = async () => {
      const socket = await connect()
      await join(socket, 1)
      kept.push(socket)
    }
    await many(50, open)
    const before = residentKilobytes()
    const rates = stopwatch()
    await many(sockets, open)
    const measured = rates(sockets)
    const kilobytes = (residentKilobytes() - before) / sockets
    const alive = kept.filter((socket) => socket.isConnected()).length
    if (alive !== sockets + 50) fail(`${alive} of ${sockets + 50} sockets are open`)
    return { ...measured, kilobytes }
  },

  // Node resumes no TLS session unless its user keeps sessions in an Agent.
  async reopen({ sockets }) {
    const kept = []
    await many(sockets, async () => {
      const socket = await connect({ reconnectAfterMs: () => 0, rejoinAfterMs: () => 0 })
      const channel = socket.channel("bench:0", {})
      const waited = { channel, joined: null }
      await new Promise((first) => {
        waited.joined = first
        // A join's hooks are called at each rejoin as well.
        channel.join().receive("ok", () => waited.joined())
      })
      kept.push(waited)
    })
    const waiting = kept.values()
    const rates = stopwatch()
    await many(sockets, () => {
      const waited = waiting.next().value
      return new Promise((back) => {
        waited.joined = back
        waited.channel.push("drop", {})
      })
    })
    const measured = rates(sockets)
    await Promise.all(kept.map(({ channel }) => answer(channel.push("ping", {}))))
    return measured
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
