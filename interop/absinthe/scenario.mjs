// Does a scenario's actions with @absinthe/socket; script.py says what they mean.

import { converse } from "../conversation.mjs"
import { Kit } from "../kit.mjs"
import { absintheOn, cancel, send } from "./library.mjs"

let kit
let main
let operations

const actions = {
  connect() {
    main = absintheOn(kit.socket({ params: { socket: "main" } }))
    main.socket.connect()
  },

  disconnect() {
    main.socket.disconnect()
  },

  connect_again() {
    main.socket.connect()
  },

  send(name, operation, variables) {
    operations[name] = send(main, operation, variables)
  },

  cancel(name) {
    cancel(main, operations[name])
  },
}

const waits = {
  opens: (count) => main.counts.opens >= count,
  closes: (count) => main.counts.closes >= count,
  results: (name, count) => operations[name].results.length >= count,
  ended: (name) => endOf(operations[name]) !== null,
}

// How an operation has ended, if it has: a subscription's results are no end.
function endOf(told) {
  if (told.aborts.length) return ["failed", told.aborts[0]]
  if (told.cancels) return ["cancelled"]
  if (isSubscription(told) || !told.results.length) return null
  const [{ data, errors }] = told.results
  return errors ? ["errors", { data: data ?? null, errors }] : ["ok", data]
}

function isSubscription(told) {
  return told.request.operation.startsWith("subscription")
}

converse({
  begin(transport, url) {
    kit = new Kit(transport, url)
    operations = {}
  },

  act(...turn) {
    for (const [name, ...args] of turn) actions[name](...args)
  },

  wait(name, ...args) {
    return kit.until(() => waits[name](...args), `${name} ${args.join(" ")}`)
  },

  told() {
    const outcomes = {}
    const heard = {}
    for (const [name, told] of Object.entries(operations)) {
      outcomes[name] = endOf(told) ?? "pending"
      if (isSubscription(told)) heard[name] = told.results.map((it) => ["result", it])
    }
    return { outcomes, heard }
  },

  async end() {
    await kit.close()
  },
})
