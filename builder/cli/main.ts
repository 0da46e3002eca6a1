import { describeError } from '../../lib/errors.ts'
import { exitCodeOf } from '../engine/run-build.ts'

/**
 * Runs a command's main function: its result becomes the exit status, an error its message and status. Output that
 * nobody reads any more (`… | head`) counts as a hang-up: a build under way is ended and cleaned up.
 */
export async function runMain(main: (args: readonly string[]) => Promise<number>): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.emit('SIGHUP')
    })
  }
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`)
    process.exitCode = exitCodeOf(error)
  }
}
