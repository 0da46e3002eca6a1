import type { RpcResponse } from './types.ts'

/** Messages remembered. A copy comes after a lost connection: within minutes, not after thousands of messages. */
const MESSAGES = 10_000
/** Characters of answers kept for calls whose answer may have been lost. */
const ANSWERS = 4 * 1024 * 1024

/** What this process has done already, by sender and message id. Bounded: the oldest is forgotten. */
export interface Memory {
  readonly has: (key: string) => boolean
  readonly add: (key: string, answer: RpcResponse | undefined) => void
  /** The answer given then, as long as it is kept. */
  readonly answer: (key: string) => RpcResponse | undefined
}

export function createMemory(): Memory {
  const done = new Set<string>()
  const answers = new Map<string, { response: RpcResponse; size: number }>()
  let kept = 0

  function keep(key: string, response: RpcResponse): void {
    const size = JSON.stringify(response).length
    answers.set(key, { response, size })
    kept += size
    for (const [oldest, answer] of answers) {
      if (kept <= ANSWERS && answers.size <= MESSAGES) break
      answers.delete(oldest)
      kept -= answer.size
    }
  }

  return {
    has: (key) => done.has(key),
    add(key, answer) {
      done.add(key)
      if (answer !== undefined) keep(key, answer)
      const [oldest] = done
      if (done.size > MESSAGES && oldest !== undefined) done.delete(oldest)
    },
    answer: (key) => answers.get(key)?.response,
  }
}
