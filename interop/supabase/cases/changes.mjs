// What a client is told of the database.

import assert from "node:assert/strict"
import { hear } from "../kit.mjs"

const TODOS = { schema: "public", table: "todos" }

// A channel that listens, and is subscribed to the database.
async function listening(kit, ...filters) {
  let heard
  let system
  const channel = await kit.subscribed("room", {}, (it) => {
    system = hear(it, "system")
    heard = filters.map((filter) => hear(it, "postgres_changes", filter))
  })
  await kit.until(() => system.length, "the subscription")
  assert.equal(system[0].message, "Subscribed to PostgreSQL")
  return { channel, heard, system }
}

function todo(id, title = "write", is_done = false) {
  return { id, title, is_done }
}

export const cases = {
  async "rows are inserted, changed and deleted"(kit) {
    const { heard } = await listening(kit, { event: "*", ...TODOS })
    await kit.server("insert", "public", "todos", todo(1))
    await kit.server("update", "public", "todos", todo(1, "sent", true), { id: 1 })
    await kit.server("delete", "public", "todos", { id: 1 })
    await kit.until(() => heard[0].length === 3, "the changes")
    assert.deepEqual(
      heard[0].map((it) => [it.eventType, it.new, it.old]),
      [
        ["INSERT", todo(1), {}],
        ["UPDATE", todo(1, "sent", true), { id: 1 }],
        ["DELETE", {}, { id: 1 }],
      ],
    )
    const { schema, table, errors, commit_timestamp } = heard[0][0]
    assert.deepEqual([schema, table, errors], ["public", "todos", null])
    assert.ok(Math.abs(Date.parse(commit_timestamp) - Date.now()) < 60000)
  },

  async "by event and table"(kit) {
    const { heard } = await listening(
      kit,
      { event: "INSERT", ...TODOS },
      { event: "DELETE", ...TODOS },
      { event: "*", schema: "public", table: "notes" },
      { event: "*", schema: "public" },
    )
    await kit.server("insert", "public", "todos", todo(1))
    await kit.server("insert", "public", "notes", { id: 2 })
    await kit.server("delete", "public", "todos", { id: 1 })
    await kit.until(() => heard[3].length === 3, "the changes")
    assert.deepEqual(
      heard.map((each) => each.map((it) => `${it.eventType} ${it.table}`)),
      [
        ["INSERT todos"],
        ["DELETE todos"],
        ["INSERT notes"],
        ["INSERT todos", "INSERT notes", "DELETE todos"],
      ],
    )
  },

  async "by filters"(kit) {
    const filters = ["id=gt.1", "title=eq.read", "id=in.(1,3)", "id=lt.9,title=like.r%"]
    const { heard } = await listening(
      kit,
      ...filters.map((filter) => ({ event: "INSERT", ...TODOS, filter })),
      { event: "INSERT", ...TODOS },
    )
    await kit.server("insert", "public", "todos", todo(1))
    await kit.server("insert", "public", "todos", todo(2, "read"))
    await kit.server("insert", "public", "todos", todo(3))
    await kit.until(() => heard.at(-1).length === 3, "the changes")
    assert.deepEqual(
      heard.map((each) => each.map((it) => it.new.id)),
      [[2, 3], [2], [1, 3], [2], [1, 2, 3]],
    )
  },

  async "deletes pass every filter"(kit) {
    const filter = { event: "*", ...TODOS, filter: "title=eq.read" }
    const { heard } = await listening(kit, filter)
    await kit.server("delete", "public", "todos", { id: 1 })
    await kit.until(() => heard[0].length, "the change")
  },

  async "some columns alone"(kit) {
    const { heard } = await listening(kit, { event: "*", ...TODOS, select: ["title"] })
    await kit.server("insert", "public", "todos", todo(1))
    await kit.until(() => heard[0].length, "the change")
    assert.deepEqual(heard[0][0].new, { title: "write" })
  },

  async "columns of other types"(kit) {
    const { heard } = await listening(kit, { event: "*", schema: "public", table: "notes" })
    const at = "2026-01-02 03:04:05"
    await kit.server("insert", "public", "notes", { id: 1, tags: { a: [1] }, at })
    await kit.until(() => heard[0].length, "the change")
    assert.deepEqual(heard[0][0].new, {
      id: 1,
      tags: { a: [1] },
      at: "2026-01-02T03:04:05",
    })
  },

  async "a row that may not be seen"(kit) {
    const { heard } = await listening(kit, { event: "*", ...TODOS })
    await kit.server("failed_insert", "public", "todos", ["Error 401: Unauthorized"])
    await kit.until(() => heard[0].length, "the change")
    assert.deepEqual(heard[0][0].errors, ["Error 401: Unauthorized"])
  },

  async "a database that fails at first"(kit) {
    await kit.server("fail_database", "the database is away")
    let heard
    let system
    await kit.subscribed("room", {}, (it) => {
      system = hear(it, "system")
      heard = hear(it, "postgres_changes", { event: "*", ...TODOS })
    })
    await kit.until(() => system.length, "the error")
    assert.equal(system[0].status, "error")
    assert.equal(system[0].message, "the database is away")
    await kit.server("fail_database", null)
    await kit.until(() => system.at(-1).status === "ok", "the subscription")
    await kit.server("insert", "public", "todos", todo(1))
    await kit.until(() => heard.length, "the change")
  },

  async "again after a reconnect"(kit) {
    const { heard, system } = await listening(kit, { event: "*", ...TODOS })
    await kit.server("drop")
    await kit.until(() => system.length === 2, "the next subscription")
    await kit.server("insert", "public", "todos", todo(1))
    await kit.until(() => heard[0].length, "the change")
  },
}
