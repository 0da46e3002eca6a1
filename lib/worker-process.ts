import { execa } from 'execa'
import type { Argv, Environment } from './exec.ts'
import { readLines } from './lines.ts'

/** Options of {@link runWorkerProcess}. */
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

/**
 * Starts a long-lived worker of ours that reports on descriptor 3 and keeps this terminal's input (for debug shells).
 * @returns its exit status, 128 + 9 when it was killed
 */
export async function runWorkerProcess(argv: Argv, options: WorkerProcessOptions): Promise<number> {
  const [file, ...args] = argv
  const child = execa(file, args, {
    env: { ...options.env },
    extendEnv: false,
    reject: false,
    buffer: false,
    cleanup: true,
    stdio: ['inherit', 'pipe', 'pipe', 'pipe', options.lifeline as never],
  })
  const kill = () => child.kill('SIGKILL')
  options.signal?.addEventListener('abort', kill, { once: true })
  if (options.signal?.aborted === true) kill()
  const reading = [
    readLines(child.stdout, (line) => options.onLine(line, 'stdout')),
    readLines(child.stderr, (line) => options.onLine(line, 'stderr')),
    readLines(child.stdio[3] as unknown as AsyncIterable<unknown>, options.onEvent),
  ]
  const result = await child
  await Promise.all(reading)
  options.signal?.removeEventListener('abort', kill)
  return result.exitCode ?? 137
}
