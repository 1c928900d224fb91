// Runs the cases: `node cases.mjs DIRECTORY`, told which by conversation.mjs.

import { converse } from "./conversation.mjs"
import { Kit } from "./kit.mjs"
import * as binary from "./cases/binary.mjs"
import * as broadcasts from "./cases/broadcasts.mjs"
import * as connections from "./cases/connections.mjs"
import * as endings from "./cases/endings.mjs"
import * as fallback from "./cases/fallback.mjs"
import * as joins from "./cases/joins.mjs"
import * as presence from "./cases/presence.mjs"
import * as pushes from "./cases/pushes.mjs"
import * as returns from "./cases/returns.mjs"
import * as versions from "./cases/versions.mjs"

const modules = {
  joins,
  pushes,
  broadcasts,
  endings,
  connections,
  returns,
  presence,
  binary,
  versions,
  fallback,
}

// What goes wrong outside of a case's own promise fails the case that is running.
let fail = () => {}
process.on("uncaughtException", (error) => fail(error))
process.on("unhandledRejection", (error) => fail(error))

converse({
  list: () =>
    Object.entries(modules).flatMap(([group, { cases, over }]) =>
      Object.entries(cases).map(([name, test]) => ({
        group,
        name,
        transports: test.over ?? over ?? ["websocket", "longpoll", "fallback"],
      })),
    ),

  async run(group, name, transport, url) {
    const kit = new Kit(transport, url)
    const failed = new Promise((_, reject) => (fail = reject))
    try {
      await Promise.race([modules[group].cases[name](kit), failed])
    } finally {
      fail = () => {}
      await kit.close()
    }
  },
})
