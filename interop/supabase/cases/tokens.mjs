// Tokens: how they are given, made anew, and run out.

import assert from "node:assert/strict"
import { hear, subscribe } from "../kit.mjs"

export const cases = {
  async "a token of the user is joined with"(kit) {
    const token = await kit.server("token", "ann")
    const client = await kit.realtimeClient({ accessToken: async () => token })
    // The join of who subscribes before that is done has no token.
    await client.setAuth()
    await kit.subscribed("room", {}, () => {}, client)
    const joins = await kit.server("received", "phx_join")
    assert.equal(joins[0].access_token, token)
    assert.deepEqual(await kit.server("subjects", "realtime:room"), ["ann"])
  },

  async "a new token is told to the joined channels"(kit) {
    const client = await kit.realtimeClient()
    await client.setAuth(await kit.server("token", "ann"))
    await kit.subscribed("one", {}, () => {}, client)
    await kit.subscribed("two", {}, () => {}, client)
    const token = await kit.server("token", "bob")
    await client.setAuth(token)
    const pushed = () => kit.server("received", "access_token")
    await kit.until(async () => (await pushed()).length === 2, "the tokens")
    assert.deepEqual(await pushed(), [{ access_token: token }, { access_token: token }])
    for (const topic of ["realtime:one", "realtime:two"]) {
      assert.deepEqual(await kit.server("subjects", topic), ["bob"])
    }
  },

  async "the database is subscribed to anew with it"(kit) {
    const client = await kit.realtimeClient()
    await client.setAuth(await kit.server("token", "ann"))
    let system
    await kit.subscribed(
      "room",
      {},
      (it) => {
        system = hear(it, "system")
        it.on("postgres_changes", { event: "*", schema: "public" }, () => {})
      },
      client,
    )
    await kit.until(() => system.length === 1, "the subscription")
    await client.setAuth(await kit.server("token", "bob"))
    await kit.until(() => system.length === 2, "the next subscription")
    assert.equal(system[1].message, "Subscribed to PostgreSQL")
  },

  async "a token that has run out ends the channel"(kit) {
    const client = await kit.realtimeClient()
    await client.setAuth(await kit.server("token", "ann"))
    let system
    const listens = (it) => (system = hear(it, "system"))
    const channel = await kit.subscribed("room", {}, listens, client)
    await kit.server("expire", "room")
    await kit.until(() => channel.statuses.length === 2, "the end")
    assert.equal(channel.statuses[1][0], "CLOSED")
    assert.equal(system[0].message, "Token has expired 0 seconds ago")
    // With another it may come back.
    await client.setAuth(await kit.server("token", "bob"))
    assert.deepEqual(await subscribe(client.channel("room")), ["SUBSCRIBED", null])
  },

  async "a new token that is none ends the channel"(kit) {
    const client = await kit.realtimeClient()
    await client.setAuth(await kit.server("token", "ann"))
    let system
    const listens = (it) => (system = hear(it, "system"))
    const channel = await kit.subscribed("room", {}, listens, client)
    await client.setAuth("nonsense")
    await kit.until(() => channel.statuses.length === 2, "the end")
    assert.equal(system[0].message, "The token provided is not a valid JWT")
  },

  async "a token is asked anew when the connection comes back"(kit) {
    const ann = await kit.server("token", "ann")
    const bob = await kit.server("token", "bob")
    let token = ann
    const client = await kit.realtimeClient({ accessToken: async () => token })
    const channel = await kit.subscribed("room", {}, () => {}, client)
    token = bob
    await kit.server("drop")
    await kit.until(() => channel.statuses.length === 3, "the channel")
    const subjects = () => kit.server("subjects", "realtime:room")
    await kit.until(async () => (await subjects())[0] === "bob", "the new token")
  },
}
