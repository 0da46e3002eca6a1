import { writeSync } from 'node:fs'
import type { ReadStream } from 'node:tty'
import { runMain } from '../../../lib/cli-main.ts'
import { isErrno } from '../../../lib/errors.ts'
import { runTrove } from './program.ts'

/** Columns of the help when nobody says otherwise: the book's. */
const WIDTH = 80

await runMain((args) =>
  runTrove(args, {
    env: process.env,
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => writeAll(2, text),
    terminal: process.stderr.isTTY === true,
    width: Math.max(40, Number(process.env.COLUMNS) || WIDTH) - 2,
    ...(process.stdin.isTTY === true
      ? {
          askPassword: async () => {
            const { askPassword } = await import('./service/password.ts')
            return askPassword(process.stdin as ReadStream, (text) => writeAll(2, text))
          },
        }
      : {}),
  }),
)

/** Progress and errors in order with what a shell prints next: written before going on. */
function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
    } catch (error) {
      if (!isErrno(error, 'EAGAIN')) return
    }
  }
}
