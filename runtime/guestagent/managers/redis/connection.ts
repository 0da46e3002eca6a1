import { CofferError } from '../../../../lib/errors.ts'
import { guestError } from '../../errors.ts'

/** Sends one command: its name, then its words, each a value of its own. */
export type Send = (...words: readonly string[]) => Promise<unknown>

/** How the agent reaches the server. */
export interface SocketAccess {
  readonly socketPath: string
  readonly username: string
  /** Read for each connection: `prepare` makes it. Undefined before that. */
  readonly password: () => Promise<string | undefined>
}

/** Opens a connection for one piece of work and closes it. Errors are faults. */
export type WithRedis = <T>(work: (send: Send) => Promise<T>) => Promise<T>

/** Loads the client. That costs an emulated processor a moment which the agent's start does not have. */
export const loadClient = () => import('@redis/client')

/** The door to a Redis server. @throws CofferError `GUEST_ERROR`, retryable when the server does not answer */
export function redisAt(access: SocketAccess): WithRedis {
  return async (work) => {
    const { createClient } = await loadClient()
    const password = await access.password()
    const client = createClient({
      // Idle for so long is a server that hangs: a log-in has no other limit.
      socket: {
        path: access.socketPath,
        reconnectStrategy: false,
        connectTimeout: 8000,
        socketTimeout: 8000,
      },
      commandOptions: { timeout: 8000 },
      disableClientInfo: true,
      ...(password === undefined ? {} : { username: access.username, password }),
    })
    // Every failure also comes as the rejection of what was asked.
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await work((...words) => client.sendCommand([...words]))
    } catch (error) {
      throw faultOf(error)
    } finally {
      client.destroy()
    }
  }
}

function faultOf(error: unknown): Error {
  if (error instanceof CofferError) return error
  const message = error instanceof Error ? error.message : String(error)
  // What the server itself says begins with a word in capitals.
  if (/^[A-Z]{3,}\b/.test(message) && !/^(LOADING|ECONN|ENOENT)/.test(message)) return guestError(message)
  const down = guestError('the database does not answer')
  return new CofferError(down.code, down.message, { retryable: true })
}
