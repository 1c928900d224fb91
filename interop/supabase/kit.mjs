// What a case works with: clients of a project, their channels, and the server.
// supabase-js, realtime-js and ws are out of the directory that the command line names.

import { createRequire } from "node:module"
import { resolve } from "node:path"
import { call } from "../conversation.mjs"

const require = createRequire(resolve(process.argv[2], "package.json"))

export const { createClient } = require("@supabase/supabase-js")
export const { RealtimeClient } = require("@supabase/realtime-js")
export const WebSocket = require("ws")

const PATIENCE = 8000

// Short, since there are many of them.
export const RECONNECT_MS = 20

export class Kit {
  constructor(transport, url) {
    this.url = new URL(url).origin
    this.vsn = "2.0.0"
    this.clients = []
    this.server = call
  }

  // The options of a client's realtime that are the same everywhere.
  realtime(others = {}) {
    return {
      vsn: this.vsn,
      transport: WebSocket,
      reconnectAfterMs: () => RECONNECT_MS,
      timeout: 5000,
      ...others,
    }
  }

  // A client of supabase-js.
  async client({ key, accessToken, ...realtime } = {}) {
    const client = createClient(this.url, key ?? (await call("key")), {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      ...(accessToken ? { accessToken } : {}),
      realtime: this.realtime(realtime),
    })
    this.clients.push(client.realtime)
    return client
  }

  // A client of realtime-js alone.
  async realtimeClient({ key, params, ...others } = {}) {
    const apikey = key ?? (await call("key"))
    const url = `${this.url.replace("http", "ws")}/realtime/v1`
    const options = this.realtime({ params: { apikey, ...params }, ...others })
    const client = new RealtimeClient(url, options)
    this.clients.push(client)
    return client
  }

  // A channel that is subscribed, on a client of its own if none is given; `prepare`
  // adds what it listens to.
  async subscribed(topic, config = {}, prepare = () => {}, client = null) {
    const channel = (client ?? (await this.client())).channel(topic, { config })
    prepare(channel)
    const [status, message] = await subscribe(channel)
    if (status !== "SUBSCRIBED") throw new Error(`${status}: ${message}`)
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
    for (const client of this.clients) {
      // Nothing that was planned is to come in the next case.
      for (const channel of client.channels) {
        channel.rejoinTimer.reset()
        channel.teardown()
      }
      await client.disconnect()
    }
  }
}

export function sleep(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds))
}

// Subscribe; a promise of the first status, and of what the error says.
// The statuses that follow are in `channel.statuses`.
export function subscribe(channel) {
  channel.statuses = []
  return new Promise((done) => {
    channel.subscribe((status, error) => {
      channel.statuses.push([status, error?.message ?? null])
      done([status, error?.message ?? null])
    })
  })
}

// What comes of a type and an event, as it comes.
export function hear(channel, type, filter = {}) {
  const heard = []
  channel.on(type, filter, (payload) => heard.push(told(payload)))
  return heard
}

// A broadcast, with its bytes in hexadecimal.
export function told(payload) {
  return payload?.payload instanceof ArrayBuffer
    ? { ...payload, payload: { bytes: Buffer.from(payload.payload).toString("hex") } }
    : payload
}

export function bytes(...values) {
  return new Uint8Array(values).buffer
}

// A case that is not for every version of the protocol.
export function over(versions, test) {
  return Object.assign(test, { versions })
}
