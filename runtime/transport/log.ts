/** What the transport and RPC tell an operator. A pino logger is one; lines at warn are constant, data goes in the fields. */
export interface EventLog {
  readonly debug: (fields: object, message: string) => void
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

const nothing = (): void => undefined

/** For callers that want no log, such as tests. */
export const silentLog: EventLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** The reason in a log field: never a stack, which would make one event many lines. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
