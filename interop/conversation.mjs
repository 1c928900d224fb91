// What the Python side says to a script, and the script to it: JSON, a line each.
//
//     Python: {"id": 1, "say": ["run", ...]}        script: {"id": 1, "ok": ...}
//                                                           {"id": 1, "error": "..."}
//     script: {"call": 1, "say": ["restart"]}       Python: {"call": 1, "ok": ...}

import { createInterface } from "node:readline"

// What a library prints is no part of the conversation.
console.log = console.error

const waiting = new Map()
let calls = 0

function write(value) {
  process.stdout.write(JSON.stringify(value) + "\n")
}

// Ask the Python side to do something, and wait until it has.
export function call(...say) {
  calls += 1
  const number = calls
  return new Promise((done, failed) => {
    waiting.set(number, { done, failed })
    write({ call: number, say })
  })
}

// Answer what the Python side says: `answers` has a function for each first word.
export function converse(answers) {
  createInterface({ input: process.stdin })
    .on("line", (line) => take(JSON.parse(line), answers))
    .on("close", () => process.exit(0))
}

async function take(message, answers) {
  if ("call" in message) {
    const { done, failed } = waiting.get(message.call)
    waiting.delete(message.call)
    if ("error" in message) failed(new Error(message.error))
    else done(message.ok)
    return
  }
  const [name, ...args] = message.say
  try {
    write({ id: message.id, ok: (await answers[name](...args)) ?? null })
  } catch (error) {
    write({ id: message.id, error: error.stack })
  }
}
