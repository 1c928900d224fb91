// Does a scenario's actions with phoenix.js; script.py says what they mean.

import { converse } from "./conversation.mjs"
import { Kit, beat } from "./kit.mjs"

let kit
let sockets
let channels
let outcomes

const PENDING = "pending"
const BEAT_MS = 100

// Note how something ends.
function note(name, start) {
  if (!name) {
    start()
    return
  }
  // A timer may run on into the next scenario.
  const noted = outcomes
  noted[name] = PENDING
  const end = (...how) => {
    if (noted[name] === PENDING) noted[name] = how
  }
  try {
    const push = start()
    // What a leave is answered is not to be had from txphoenix.
    const isSilent = push.event === "phx_leave"
    for (const status of ["ok", "error", "timeout", "custom"]) {
      push.receive(status, (response) => {
        end(status, isSilent || status === "timeout" ? null : told(response))
      })
    }
  } catch {
    end("raised", null)
  }
}

// A payload as phoenix.js takes it, and as it is told.
function payloadOf(value) {
  return value?.bytes === undefined
    ? value
    : Uint8Array.from(Buffer.from(value.bytes, "hex")).buffer
}

function told(payload) {
  return payload instanceof ArrayBuffer
    ? { bytes: Buffer.from(payload).toString("hex") }
    : payload
}

function milliseconds(seconds) {
  return seconds === undefined ? undefined : seconds * 1000
}

const actions = {
  connect(name, { rejoin, params, auth_token, path }) {
    const socket = kit.socket({
      path,
      params: { ...params, socket: name },
      ...(auth_token ? { authToken: auth_token } : {}),
      ...(rejoin ? { rejoinAfterMs: () => rejoin * 1000 } : {}),
    })
    const counts = { opens: 0, closes: 0 }
    socket.onOpen(() => (counts.opens += 1))
    socket.onClose(() => (counts.closes += 1))
    sockets[name] = { socket, counts }
    socket.connect()
  },

  disconnect(name) {
    sockets[name].socket.disconnect()
  },

  connect_again(name) {
    sockets[name].socket.connect()
  },

  channel(name, topic, params, socket = "main") {
    const channel = sockets[socket].socket.channel(topic, params)
    const held = { channel, joins: 0, errors: 0, ends: 0, heard: [] }
    channel.onClose(() => (held.ends += 1))
    channel.onError(() => (held.errors += 1))
    channel.joinPush.receive("ok", () => (held.joins += 1))
    channel.onMessage = (event, payload) => {
      if (!/^(phx|chan)_/.test(event)) held.heard.push([event, told(payload)])
      return payload
    }
    channels[name] = held
  },

  join(name, as, seconds) {
    note(as, () => channels[name].channel.join(milliseconds(seconds)))
  },

  push(name, event, payload, as, seconds) {
    const { channel } = channels[name]
    note(as, () => channel.push(event, payloadOf(payload), milliseconds(seconds)))
  },

  leave(name, as) {
    note(as, () => channels[name].channel.leave())
  },

  send(name, event, payload) {
    const { channel } = channels[name]
    const { socket, topic } = channel
    const ref = socket.makeRef()
    socket.push({ topic, event, payload, ref, join_ref: channel.joinRef() })
  },

  ping(name, as) {
    const noted = outcomes
    noted[as] = PENDING
    sockets[name].socket.ping(() => (noted[as] = ["ok", null]))
  },

  beat(name, count) {
    beat(sockets[name].socket, count, BEAT_MS)
  },

  miss(name) {
    const { socket } = sockets[name]
    const usual = socket.heartbeatIntervalMs
    socket.heartbeatIntervalMs = BEAT_MS
    socket.resetHeartbeat()
    socket.onOpen(() => {
      socket.heartbeatIntervalMs = usual
      socket.resetHeartbeat()
    })
  },
}

const waits = {
  opens: (name, count) => sockets[name].counts.opens >= count,
  closes: (name, count) => sockets[name].counts.closes >= count,
  joins: (name, count) => channels[name].joins >= count,
  errors: (name, count) => channels[name].errors >= count,
  ends: (name, count) => channels[name].ends >= count,
  heard: (name, count) => channels[name].heard.length >= count,
  outcome: (name) => outcomes[name] !== PENDING,
}

converse({
  begin(transport, url) {
    kit = new Kit(transport, url)
    sockets = {}
    channels = {}
    outcomes = {}
  },

  act(...turn) {
    for (const [name, ...args] of turn) actions[name](...args)
  },

  wait(name, ...args) {
    return kit.until(() => waits[name](...args), `${name} ${args.join(" ")}`)
  },

  told() {
    const heard = Object.entries(channels).map(([name, held]) => [name, held.heard])
    return { outcomes, heard: Object.fromEntries(heard) }
  },

  async end() {
    await kit.close()
  },
})
