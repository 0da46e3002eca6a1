import { CofferError, describeError } from './errors.ts'

/**
 * Runs a command's main function: its result becomes the exit status, an error its message and status. Output that
 * nobody reads any more (`… | head`) counts as a hang-up: work under way is ended and cleaned up by whoever listens for
 * that, and a command without such work ends at once. Output that cannot be written, to a full disk for example, is an
 * error as any other.
 */
export async function runMain(main: (args: readonly string[]) => Promise<number>): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') {
        if (stream === process.stdout) process.stderr.write(`${describeError(error)}\n`)
        process.exit(1)
      }
      if (!process.emit('SIGHUP')) process.exit(129)
    })
  }
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`)
    process.exitCode = error instanceof CofferError ? error.exitCode : 1
  }
}
