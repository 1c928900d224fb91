// The cases of phoenix.js: `node cases.mjs DIRECTORY`.

import { runCases } from "./run_cases.mjs"
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

runCases({
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
})
