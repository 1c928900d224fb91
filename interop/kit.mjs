// What a case works with: sockets of its transport, and the server.

import { call } from "./conversation.mjs"
import { Socket, options } from "./library.mjs"

const PATIENCE = 8000

export class Kit {
  constructor(transport, url) {
    this.transport = transport
    this.url = url
    this.sockets = []
    this.server = call
  }

  // What carries the frames in the end.
  get carrier() {
    return this.transport === "websocket" ? "websocket" : "longpoll"
  }

  // A socket that is not connected.
  socket({ path, ...others } = {}) {
    const url = path ? new URL(path, this.url).href : this.url
    const socket = new Socket(url, options(this.transport, others))
    this.sockets.push(socket)
    return socket
  }

  // A socket that is connected.
  async connect(others) {
    const socket = this.socket(others)
    socket.connect()
    await this.until(() => socket.isConnected(), "the socket to open")
    return socket
  }

  // A channel that is joined, on a socket of its own if none is given.
  async join(topic, params = {}, socket = null) {
    const channel = (socket ?? (await this.connect())).channel(topic, params)
    await ok(channel.join())
    return channel
  }

  async until(condition, what) {
    const deadline = Date.now() + PATIENCE
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
      await sleep(3)
    }
  }

  async close() {
    for (const socket of this.sockets) {
      // Nothing that was planned is to come in the next case.
      for (const channel of socket.channels) channel.rejoinTimer.reset()
      await new Promise((done) => socket.disconnect(done))
    }
  }
}

export function sleep(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds))
}

// Have a socket send so many heartbeats, so far apart; their answers, and the heartbeats
// after them, have the usual time, however busy the machine is.
export function beat(socket, count, milliseconds) {
  const usual = socket.heartbeatIntervalMs
  let left = count
  Object.defineProperty(socket, "heartbeatIntervalMs", {
    // It is asked for the next, and for how long an answer is waited for.
    get: () => (!socket.pendingHeartbeatRef && left-- > 0 ? milliseconds : usual),
  })
  socket.resetHeartbeat()
}

// A promise of how a push, a join or a leave ends: its status and its response.
export function outcome(push) {
  return new Promise((done) => {
    for (const status of ["ok", "error", "timeout", "custom"]) {
      push.receive(status, (response) => done([status, response]))
    }
  })
}

// A promise of the response, which must be one of status ok.
export async function ok(push) {
  const [status, response] = await outcome(push)
  if (status !== "ok") throw new Error(`${status} ${JSON.stringify(response)}`)
  return response
}

// The payloads of an event, as they come.
export function hear(channel, event) {
  const heard = []
  channel.on(event, (payload) => heard.push(payload))
  return heard
}

// How often a channel has been joined.
export function countJoins(channel) {
  const joins = { count: 0 }
  channel.joinPush.receive("ok", () => (joins.count += 1))
  return joins
}

export function bytes(...values) {
  return new Uint8Array(values).buffer
}

export function values(buffer) {
  if (!(buffer instanceof ArrayBuffer)) {
    throw new Error(`expected an ArrayBuffer, got ${JSON.stringify(buffer)}`)
  }
  return [...new Uint8Array(buffer)]
}

// A case that is not for every transport.
export function over(transports, test) {
  return Object.assign(test, { over: transports })
}
