import { open } from 'node:fs/promises'
import { createConnection, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import { CofferError } from '../../../../lib/errors.ts'
import { type EventWaiter, eventWaiter } from './events.ts'
import { encodeCommand, type Message, messageReader } from './wire.ts'

/** An open QMP session. QEMU serves one at a time, so sessions are short: open, ask, close. */
export interface QmpSession {
  /** @throws CofferError `QMP_COMMAND_FAILED`, `QMP_TIMED_OUT`, `QMP_CLOSED`, `QMP_BROKEN` */
  readonly execute: (command: string, args?: object) => Promise<unknown>
  readonly events: Pick<EventWaiter, 'next'>
  readonly close: () => void
}

interface Waiting {
  readonly resolve: (message: Message) => void
  readonly reject: (error: Error) => void
}

/** The least that every Unix takes as the length of a socket's path, its end mark included. */
const LONGEST_SOCKET_PATH = 100

/**
 * Opens a session on a control socket and agrees on capabilities.
 *
 * @param timeoutMs for the greeting and for each command
 * @throws CofferError `QMP_UNREACHABLE` when nobody listens, else as `execute`
 */
export async function openQmp(path: string, timeoutMs = 10_000): Promise<QmpSession> {
  const socket = await connect(path)
  const waiting = new Map<number | 'greeting', Waiting>()
  const events = eventWaiter()
  const reader = messageReader()
  let ended: Error | undefined
  let last = 0

  const end = (error: Error) => {
    if (ended !== undefined) return
    ended = error
    socket.destroy()
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    events.fail(error)
  }
  const await_ = (key: number | 'greeting', what: string) =>
    new Promise<Message>((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      const timer = setTimeout(() => {
        waiting.delete(key)
        reject(
          new CofferError('QMP_TIMED_OUT', `QEMU did not answer ${what} within ${timeoutMs} ms`, {
            retryable: true,
          }),
        )
      }, timeoutMs)
      const done = (action: () => void) => {
        clearTimeout(timer)
        waiting.delete(key)
        action()
      }
      waiting.set(key, {
        resolve: (message) => done(() => resolve(message)),
        reject: (error) => done(() => reject(error)),
      })
    })
  const execute = async (command: string, args?: object): Promise<unknown> => {
    const id = ++last
    const answer = await_(id, command)
    socket.write(encodeCommand(id, command, args))
    const message = await answer
    if (message.kind !== 'answer' || message.error === undefined) {
      return message.kind === 'answer' ? message.return : undefined
    }
    throw new CofferError('QMP_COMMAND_FAILED', `QEMU refused ${command}: ${message.error.desc}`)
  }

  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    try {
      for (const message of reader.push(chunk)) {
        if (message.kind === 'event') events.deliver(message)
        else waiting.get(message.kind === 'greeting' ? 'greeting' : message.id)?.resolve(message)
      }
    } catch (error) {
      end(error instanceof Error ? error : new Error(String(error)))
    }
  })
  const closed = () =>
    end(new CofferError('QMP_CLOSED', 'QEMU closed its control socket', { retryable: true }))
  socket.on('error', closed)
  socket.on('close', closed)
  try {
    await await_('greeting', 'the connection')
    await execute('qmp_capabilities')
  } catch (error) {
    closed()
    throw error
  }
  return { execute, events, close: closed }
}

/** Connects by the path, or through the directory's descriptor when the path is too long for a socket address. */
async function connect(path: string): Promise<Socket> {
  const directory = path.length < LONGEST_SOCKET_PATH ? undefined : await open(dirname(path))
  const address = directory === undefined ? path : `/proc/self/fd/${directory.fd}/${basename(path)}`
  try {
    return await new Promise<Socket>((resolve, reject) => {
      const socket = createConnection(address)
      const failed = (error: Error) => reject(unreachable(error))
      socket.once('error', failed)
      socket.once('connect', () => {
        socket.off('error', failed)
        resolve(socket)
      })
    })
  } finally {
    await directory?.close()
  }
}

function unreachable(cause: Error): CofferError {
  return new CofferError('QMP_UNREACHABLE', `QEMU's control socket cannot be reached: ${cause.message}`, {
    retryable: true,
    cause,
  })
}
