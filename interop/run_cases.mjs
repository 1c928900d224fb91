// Runs cases, told which by the Python side; see conversation.mjs.

import { converse } from "./conversation.mjs"

// What goes wrong outside of a case's own promise fails the case that is running.
let fail = () => {}
process.on("uncaughtException", (error) => fail(error))
process.on("unhandledRejection", (error) => fail(error))

// The modules have `cases`, a function for each name, and perhaps `over`, the transports
// that they are for; `kitModule` has the class Kit of what they work with, that of
// phoenix.js if nothing else is said.
export function runCases(modules, kitModule = import("./kit.mjs")) {
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
      const { Kit } = await kitModule
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
}
