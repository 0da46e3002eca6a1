import { type FileHandle, open } from 'node:fs/promises'
import { execa } from 'execa'
import { CofferError } from './errors.ts'
import { type Argv, run } from './exec.ts'
import { readLines } from './lines.ts'

/** Consecutive ids of the machine. */
export interface IdRange {
  readonly start: number
  readonly count: number
}

/** A user namespace whose root is the user who made it. */
export interface UserNamespace {
  /** Words in front of a command that is to run as its root. Good while this process lives and has not released it. */
  readonly enter: readonly string[]
  readonly release: () => Promise<void>
}

/** Holds the namespace until somebody else does. The line says that the namespace is there; its ids are mapped from outside. */
const HOLDER = 'echo made; read -r mapped'

/**
 * Makes a user namespace in which id 0 is this user and ids from 1 on are the given ranges, by newuidmap(1).
 *
 * Not by unshare's own options for ranges: where the kernel refuses the namespace they leave a process behind for ever.
 *
 * @throws CofferError `USER_NAMESPACE_FAILED` with what unshare or newuidmap said
 */
export async function openUserNamespace(ids: {
  readonly uids: IdRange
  readonly gids: IdRange
}): Promise<UserNamespace> {
  // A session of its own: an interrupt from the terminal is for the build, which cleans up with this namespace.
  const holder = execa('unshare', ['--user', '--', '/bin/sh', '-c', HOLDER], {
    detached: true,
    cleanup: false,
    reject: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: { stdout: false, stderr: true },
  })
  try {
    const made = new Promise<boolean>((resolve) => {
      void readLines(holder.stdout, () => resolve(true)).then(() => resolve(false))
    })
    if (!(await made)) throw refused((await holder).stderr)
    const pid = String(holder.pid)
    const map = async (program: string, own: number, { start, count }: IdRange) => {
      const argv = [program, pid, '0', String(own), '1', '1', String(start), String(count)] as const
      const { exitCode, stderr } = await run(argv, { check: false })
      if (exitCode !== 0) throw refused(stderr)
    }
    await map('newuidmap', process.getuid?.() ?? 0, ids.uids)
    await map('newgidmap', process.getgid?.() ?? 0, ids.gids)
    return heldBy(await open(`/proc/${pid}/ns/user`))
  } finally {
    holder.stdin.end()
    await holder
  }
}

/** A command with the words in front that make it enter a user namespace; as it is when there are none. */
export function entering(enter: readonly string[], command: Argv): Argv {
  const [program = command[0], ...args] = [...enter, ...command]
  return [program, ...args]
}

/** The open file keeps the namespace, however many processes are in it. */
function heldBy(file: FileHandle): UserNamespace {
  return {
    enter: ['nsenter', `--user=/proc/${process.pid}/fd/${file.fd}`, '--preserve-credentials', '--'],
    release: () => file.close(),
  }
}

function refused(stderr: string): CofferError {
  return new CofferError('USER_NAMESPACE_FAILED', `No user namespace could be made: ${stderr.trim()}`)
}
