import { lstat } from 'node:fs/promises'
import { CofferError } from '../../../lib/errors.ts'
import type { ServerPaths } from './layout.ts'
import { openQmp, type QmpSession } from './qmp/client.ts'
import { queryName } from './qmp/commands.ts'

/**
 * Opens a session to a server's QEMU, runs `action` and closes it.
 *
 * The socket lies in a directory that QEMU can write to. A QEMU that a guest has taken over could put a link to another
 * server's socket there, so the answer to "who are you" must be right before anything is asked.
 *
 * @throws CofferError `QMP_UNREACHABLE`, `QMP_BROKEN`, `QMP_TIMED_OUT`, `QMP_CLOSED`, and what `action` throws
 */
export async function withSession<T>(
  paths: ServerPaths,
  id: string,
  action: (session: QmpSession) => Promise<T>,
  timeoutMs?: number,
): Promise<T> {
  const found = await lstat(paths.qmpSocket).catch(() => undefined)
  if (found === undefined) {
    throw new CofferError('QMP_UNREACHABLE', 'QEMU’s control socket cannot be reached: it is not there', {
      retryable: true,
    })
  }
  if (!found.isSocket()) throw stranger(id)
  const session = await openQmp(paths.qmpSocket, timeoutMs)
  try {
    if ((await queryName(session)) !== id) throw stranger(id)
    return await action(session)
  } finally {
    session.close()
  }
}

function stranger(id: string): CofferError {
  return new CofferError('QMP_BROKEN', `The control socket of server ${id} leads elsewhere`, {
    hint: 'The server may have been tampered with. Look at its console, then delete it.',
  })
}
