// Queries and mutations.

import assert from "node:assert/strict"
import { absintheOn, connected, send } from "../library.mjs"

export const over = ["websocket", "longpoll"]

async function done(kit, told) {
  await kit.until(() => told.results.length + told.aborts.length, "the end")
  return told
}

export const cases = {
  async "a query is answered"(kit) {
    const main = await connected(kit)
    const told = await done(kit, send(main, "query { echo }"))
    assert.deepEqual(told.results, [{ data: { echo: {} } }])
    assert.equal(told.starts, 1)
  },

  async "a query before the connection is answered after it"(kit) {
    const main = absintheOn(kit.socket())
    const told = await done(kit, send(main, "{ echo }"))
    assert.deepEqual(told.results, [{ data: { echo: {} } }])
  },

  async "variables arrive"(kit) {
    const main = await connected(kit)
    const variables = { text: "grüße", ids: [1, 2], deep: { a: null, b: true } }
    const told = await done(kit, send(main, "query Q { echo }", variables))
    assert.deepEqual(told.results, [{ data: { echo: variables } }])
  },

  async "a mutation is answered"(kit) {
    const main = await connected(kit)
    const told = await done(kit, send(main, "mutation { echo }", { n: 1 }))
    assert.deepEqual(told.results, [{ data: { echo: { n: 1 } } }])
  },

  async "errors without data abort"(kit) {
    const main = await connected(kit)
    const told = await done(kit, send(main, "query { wrong }"))
    assert.deepEqual([told.results, told.aborts.length], [[], 1])
  },

  async "errors beside data are a result"(kit) {
    const main = await connected(kit)
    const told = await done(kit, send(main, "query { partial }"))
    const [{ data, errors }] = told.results
    assert.deepEqual(data, { partial: null })
    assert.equal(errors[0].message, "only a part")
  },

  async "many at once are answered each with its own"(kit) {
    const main = await connected(kit)
    const numbers = Array.from({ length: 50 }, (_, n) => n)
    const told = await Promise.all(
      numbers.map((n) => done(kit, send(main, "query { echo }", { n }))),
    )
    const answers = told.map(({ results }) => results[0].data.echo.n)
    assert.deepEqual(answers, numbers)
  },
}
