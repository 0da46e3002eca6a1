import { execa } from 'execa'
import type { Argv, Environment } from './exec.ts'
import { readLines } from './lines.ts'

/** Options of {@link startWorkerProcess}. */
export interface WorkerProcessOptions {
  readonly env: Environment
  /** Inherited by the worker as descriptor 4 (see lib/reaper.ts). */
  readonly lifeline: NodeJS.WritableStream
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void
  /** Lines the worker writes to descriptor 3. */
  readonly onEvent: (line: string) => void
  /** An abort kills the worker at once; its namespaces take everything below it along. */
  readonly signal?: AbortSignal
}

/** A worker that has been started. */
export interface WorkerProcess {
  /** Gives it its job: all that it will read from descriptor 5. */
  readonly send: (job: string) => void
  /** Ends it at once, and all below it. */
  readonly kill: () => void
  /** Its exit status, 128 + 9 when it was killed. */
  readonly ended: Promise<number>
}

/**
 * Starts a long-lived worker of ours that takes its job from descriptor 5, reports on descriptor 3 and keeps this terminal's
 * input (for debug shells).
 */
export function startWorkerProcess(argv: Argv, options: WorkerProcessOptions): WorkerProcess {
  const [file, ...args] = argv
  const child = execa(file, args, {
    env: { ...options.env },
    extendEnv: false,
    reject: false,
    buffer: false,
    cleanup: true,
    stdio: ['inherit', 'pipe', 'pipe', 'pipe', options.lifeline as never, 'pipe'],
  })
  const job = child.stdio[5] as unknown as NodeJS.WritableStream
  // One that has ended reads nothing any more; its status says so.
  job.on('error', () => undefined)
  const kill = () => {
    child.kill('SIGKILL')
  }
  options.signal?.addEventListener('abort', kill, { once: true })
  if (options.signal?.aborted === true) kill()
  const reading = [
    readLines(child.stdout, (line) => options.onLine(line, 'stdout')),
    readLines(child.stderr, (line) => options.onLine(line, 'stderr')),
    readLines(child.stdio[3] as unknown as AsyncIterable<unknown>, options.onEvent),
  ]
  const finish = async () => {
    const result = await child
    await Promise.all(reading)
    options.signal?.removeEventListener('abort', kill)
    return result.exitCode ?? 137
  }
  return { send: (text) => job.end(text), kill, ended: finish() }
}
