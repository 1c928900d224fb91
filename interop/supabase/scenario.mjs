// Does a scenario's actions with realtime-js; script.py says what they mean.

import { converse } from "../conversation.mjs"
import { Kit, sleep, told } from "./kit.mjs"

let kit
let sockets
let channels
let outcomes

const PENDING = "pending"
// The key of the project, which a scenario cannot ask for.
const KEY = "sb_publishable_for-tests"

// Note how something ends.
async function note(name, promise) {
  // A timer may run on into the next scenario.
  const noted = outcomes
  if (name) noted[name] = PENDING
  let how
  try {
    const outcome = await promise
    how = [typeof outcome === "string" ? outcome : "ok"]
  } catch {
    how = ["error"]
  }
  if (name) noted[name] = how
}

// A payload as realtime-js takes it.
function payloadOf(value) {
  return value?.bytes === undefined
    ? value
    : Uint8Array.from(Buffer.from(value.bytes, "hex")).buffer
}

// What a listener of a type is told, as both clients can tell it.
const heardBy = {
  broadcast: (it) => [it.event, told(it).payload, it.meta ?? null],
  postgres_changes: (it) => [it.eventType, it.table, it.new, it.old, it.errors],
  system: (it) => [it.status, it.extension, it.message],
  presence: (_, channel) => [
    Object.fromEntries(
      Object.entries(channel.presenceState()).map(([key, metas]) => [
        key,
        metas.map(({ presence_ref, ...meta }) => meta),
      ]),
    ),
  ],
}

const actions = {
  async connect(name, vsn, token) {
    kit.vsn = vsn
    const params = { socket: name }
    const client = await kit.realtimeClient({ key: KEY, params })
    if (token) await client.setAuth(token)
    // By itself it would only do so at the first subscription.
    client.connect()
    sockets[name] = client
  },

  async set_auth(name, token) {
    await sockets[name].setAuth(token)
  },

  channel(name, topic, config, listens, socket) {
    const channel = sockets[socket].channel(topic, { config })
    const held = { channel, subscribed: 0, closed: 0, heard: [] }
    for (const [type, filter] of listens) {
      channel.on(type, filter, (it) => {
        held.heard.push([type, heardBy[type](it, channel)])
      })
    }
    channels[name] = held
  },

  subscribe(name, as) {
    const held = channels[name]
    const ended = new Promise((done, failed) => {
      held.channel.subscribe((status) => {
        if (status === "SUBSCRIBED") {
          held.subscribed += 1
          done("ok")
        } else {
          if (status === "CLOSED") held.closed += 1
          failed(new Error(status))
        }
      })
    })
    note(as, ended)
  },

  unsubscribe(name, as) {
    note(as, channels[name].channel.unsubscribe())
  },

  send(name, event, value, as) {
    const payload = payloadOf(value)
    note(as, channels[name].channel.send({ type: "broadcast", event, payload }))
  },

  send_http(name, event, value, as) {
    note(as, channels[name].channel.httpSend(event, payloadOf(value)))
  },

  track(name, payload, as) {
    note(as, channels[name].channel.track(payload))
  },

  untrack(name, as) {
    note(as, channels[name].channel.untrack())
  },
}

const waits = {
  subscribed: (name, count) => channels[name].subscribed >= count,
  closed: (name, count) => channels[name].closed >= count,
  heard: (name, count) => channels[name].heard.length >= count,
  outcome: (name) => outcomes[name] !== PENDING,
}

converse({
  begin(transport, url) {
    kit = new Kit(transport, url.replace("ws", "http"))
    sockets = {}
    channels = {}
    outcomes = {}
  },

  async act(...turn) {
    for (const [name, ...args] of turn) await actions[name](...args)
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
    await sleep(0)
  },
})
