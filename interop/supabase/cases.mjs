// The cases of supabase-js, each over both versions: `node supabase/cases.mjs DIRECTORY`.

import { runCases } from "../run_cases.mjs"
import * as broadcasts from "./cases/broadcasts.mjs"
import * as changes from "./cases/changes.mjs"
import * as connections from "./cases/connections.mjs"
import * as joins from "./cases/joins.mjs"
import * as presence from "./cases/presence.mjs"
import * as sends from "./cases/sends.mjs"
import * as tokens from "./cases/tokens.mjs"

const groups = { connections, joins, broadcasts, sends, presence, changes, tokens }

function of(version, cases) {
  const chosen = Object.entries(cases)
    .filter(([, test]) => (test.versions ?? [version]).includes(version))
    .map(([name, test]) => [
      name,
      (kit) => {
        kit.vsn = version
        return test(kit)
      },
    ])
  return { cases: Object.fromEntries(chosen), over: ["websocket"] }
}

const modules = {}
for (const version of ["2.0.0", "1.0.0"]) {
  for (const [name, { cases }] of Object.entries(groups)) {
    modules[`${name}, ${version}`] = of(version, cases)
  }
}

runCases(modules, import("./kit.mjs"))
