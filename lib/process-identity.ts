import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** A process's identity that a later process with the same PID does not share: `PID START-TIME`; undefined when it is gone. */
export async function processIdentity(pid: number | string): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // Field 22, start time in clock ticks; counted after the last ')' because the name may hold blanks.
  const started = text?.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  return started === undefined ? undefined : `${pid} ${started}`
}

/** A file name that tells which process made it: {@link isOrphan} knows when that is gone. */
export async function ownedName(prefix: string): Promise<string> {
  const owner = (await processIdentity(process.pid)) ?? ''
  return `${prefix}.${owner.replace(' ', '-')}.${randomUUID()}`
}

/** True for a name that {@link ownedName} made for a process that has ended. */
export async function isOrphan(name: string, prefix: string): Promise<boolean> {
  const [, pid, started] = /\.(\d+)-(\d+)\.[0-9a-f-]{36}$/.exec(name) ?? []
  if (!name.startsWith(`${prefix}.`) || pid === undefined) return false
  return (await processIdentity(pid)) !== `${pid} ${started}`
}
