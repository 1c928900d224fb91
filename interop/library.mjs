// phoenix.js and ws, out of the directory that the command line names.

import { createRequire } from "node:module"
import { resolve } from "node:path"

const require = createRequire(resolve(process.argv[2], "package.json"))

export const { LongPoll, Presence, Socket } = require("phoenix")
export const WebSocket = require("ws")

// Short, since there are many of them, and without jitter.
export const RECONNECT_MS = 20
export const REJOIN_MS = 50

// What a page remembers of its fallback, a new page does not.
const forgetful = { getItem: () => null, setItem() {}, removeItem() {} }

// The options of a socket that are the same everywhere.
export function options(transport, others = {}) {
  return {
    transport: transport === "longpoll" ? LongPoll : WebSocket,
    reconnectAfterMs: () => RECONNECT_MS,
    rejoinAfterMs: () => REJOIN_MS,
    sessionStorage: forgetful,
    timeout: 5000,
    ...(transport === "fallback" ? { longPollFallbackMs: 300 } : {}),
    ...others,
  }
}
