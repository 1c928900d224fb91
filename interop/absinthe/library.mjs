// @absinthe/socket, out of the directory that the command line names.

import { createRequire } from "node:module"
import { resolve } from "node:path"

const require = createRequire(resolve(process.argv[2], "package.json"))

const absinthe = require("@absinthe/socket")

// An Absinthe socket on a socket of the kit, and how often that has come and gone.
export function absintheOn(socket) {
  const counts = { opens: 0, closes: 0 }
  socket.onOpen(() => (counts.opens += 1))
  socket.onClose(() => (counts.closes += 1))
  return { absinthe: absinthe.create(socket), socket, counts }
}

// Send an operation, and keep what is told of it.
export function send({ absinthe: on }, operation, variables) {
  const request = variables ? { operation, variables } : { operation }
  const told = { request, starts: 0, results: [], errors: [], aborts: [], cancels: 0 }
  const notifier = absinthe.send(on, request)
  absinthe.observe(on, notifier, {
    onStart: () => (told.starts += 1),
    onResult: (result) => told.results.push(result),
    onError: (error) => told.errors.push(error.message),
    onAbort: (error) => told.aborts.push(error.message),
    onCancel: () => (told.cancels += 1),
  })
  return told
}

// Cancel an operation: what the library knows of it is replaced each time.
export function cancel({ absinthe: on }, told) {
  const notifier = on.notifiers.find((it) => it.request === told.request)
  if (!notifier) throw new Error("there is nothing to cancel")
  absinthe.cancel(on, notifier)
}

// An Absinthe socket of a case, which is connected.
export async function connected(kit) {
  const main = absintheOn(kit.socket())
  main.socket.connect()
  await kit.until(() => main.socket.isConnected(), "the socket to open")
  return main
}

// Send a subscription, and wait until the server has `count` of them.
export async function subscribed(kit, main, document, variables, count = 1) {
  const told = send(main, document, variables)
  await kit.until(() => subscriptions(kit, count), `${count} subscriptions`)
  return told
}

export async function subscriptions(kit, count) {
  return (await kit.server("subscriptions")) === count
}
