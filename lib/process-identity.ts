import { readFile } from 'node:fs/promises'

/** A process's identity that a later process with the same PID does not share: `PID START-TIME`; undefined when it is gone. */
export async function processIdentity(pid: number | string): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // Field 22, start time in clock ticks; counted after the last ')' because the name may hold blanks.
  const started = text?.slice(text.lastIndexOf(')') + 2).split(' ')[19]
  return started === undefined ? undefined : `${pid} ${started}`
}
