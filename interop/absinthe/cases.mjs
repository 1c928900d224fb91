// The cases of @absinthe/socket: `node cases.mjs DIRECTORY`.

import { runCases } from "../run_cases.mjs"
import * as operations from "./cases/operations.mjs"
import * as returns from "./cases/returns.mjs"
import * as subscriptions from "./cases/subscriptions.mjs"

runCases({ operations, subscriptions, returns })
