// The workloads of long-poll with Phoenix's own client, by the fetch of Node.
//
// phoenix_js.mjs has them among its own, and gives them what they share.

export function longpoll({ LongPoll, connect, join, answer, sequence, stopwatch, BODY }) {
  const open = () => connect({ transport: LongPoll })
  return {
    async longpoll_flood({ count, batch }) {
      const socket = await open()
      const [channel] = await join(socket, 1)
      await answer(channel.push("prepare", { count, batch, channels: 1 }))
      const { take, done, check } = sequence(count)
      channel.on("msg", take)
      const rates = stopwatch()
      channel.push("flood", {})
      await done
      const measured = rates(count)
      await answer(channel.push("ping", {}))
      check()
      return measured
    },

    async longpoll_ping({ count, window }) {
      const socket = await open()
      const [channel] = await join(socket, 1)
      const { take, done, check } = sequence(count)
      let pushed = 0
      const push = () => {
        const payload = { n: pushed, body: BODY }
        pushed += 1
        channel.push("ping", payload).receive("ok", answered)
      }
      const answered = (payload) => {
        take(payload)
        if (pushed < count) push()
      }
      const rates = stopwatch()
      for (let n = 0; n < Math.min(window, count); n++) push()
      await done
      const measured = rates(count)
      await answer(channel.push("ping", {}))
      check()
      return measured
    },
  }
}
