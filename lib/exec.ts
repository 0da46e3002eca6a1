import { execa, type Options } from 'execa'
import { CofferError } from './errors.ts'
import { readLines } from './lines.ts'
import { quoteCommand } from './quote.ts'

export type Argv = readonly [string, ...string[]]
/** A whole environment. Undefined values are left out. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Options of {@link run}. */
export interface RunOptions {
  readonly cwd?: string
  /** The whole environment of the process: nothing is added. Default: this process's own. */
  readonly env?: Environment
  /** Text or bytes for standard input. Default: no input (`/dev/null`). */
  readonly input?: string | Uint8Array
  /** `inherit` gives the process this terminal (for debug shells); output is then not captured. */
  readonly stdio?: 'inherit'
  /** Milliseconds until the process group is killed. Default: none. */
  readonly timeoutMs?: number
  /** Ends the process group: SIGTERM, then SIGKILL after five seconds. */
  readonly signal?: AbortSignal
  /**
   * Called for every line of output, without its newline, as it comes. Output is then not kept in the result, and a
   * process left running that still holds the output is not waited for: its lines may come after the result.
   */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** With `onLine`: called with a line of standard output that has not ended yet, such as a prompt. */
  readonly onPartialLine?: (text: string) => void
  /** True keeps standard output as raw bytes in `stdoutBytes`. */
  readonly binary?: boolean
  /** False returns a result for a non-zero exit status instead of throwing. Default true. */
  readonly check?: boolean
}

/** What a process left behind. */
export interface RunResult {
  /** Exit status; 128 + signal number when a signal ended it. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly stdoutBytes: Uint8Array
  /** A line that repeats the command in a shell. */
  readonly replay: string
  readonly durationMs: number
}

/** How long output may stay open after its process has ended, in milliseconds, before it counts as left to another. */
const OUTPUT_GRACE_MS = 1000

/** Grace between SIGTERM and SIGKILL, in milliseconds. */
const KILL_GRACE_MS = 5000

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
}

/**
 * The one door for starting a process and waiting for it.
 *
 * The command is an argv array; no shell reads it. The process leads a group of its own, and a time-out or an abort
 * ends the whole group.
 *
 * @throws CofferError `COMMAND_NOT_FOUND` when the program is not installed, `COMMAND_TIMED_OUT` after `timeoutMs`,
 *   `COMMAND_FAILED` (exit code = the command's own) when it fails and `check` is not false. The message ends with the
 *   last lines of standard error, the hint is the replay line.
 */
export async function run(argv: Argv, options: RunOptions = {}): Promise<RunResult> {
  const [file, ...args] = argv
  const replay = quoteCommand(argv)
  const started = performance.now()
  const inherit = options.stdio === 'inherit'
  const settings: Options = {
    env: { ...(options.env ?? process.env) },
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    detached: !inherit,
    cleanup: false,
    encoding: options.binary === true ? 'buffer' : 'utf8',
    maxBuffer: 512 * 1024 * 1024,
    buffer: options.onLine === undefined,
    stdin: inherit ? 'inherit' : options.input === undefined ? 'ignore' : 'pipe',
    stdout: inherit ? 'inherit' : 'pipe',
    stderr: inherit ? 'inherit' : 'pipe',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? {} : { input: options.input }),
  }
  const child = execa(file, args, settings)
  const end = groupEnder(child.pid)
  let timedOut = false
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true
          end()
        }, options.timeoutMs)
  options.signal?.addEventListener('abort', end, { once: true })
  if (options.signal?.aborted === true) end()
  const { onLine } = options
  const streaming =
    onLine === undefined
      ? []
      : [
          readLines(child.stdout, (line) => onLine(line, 'stdout'), options.onPartialLine),
          readLines(child.stderr, (line) => onLine(line, 'stderr')),
        ]
  const finished = Promise.all([child, ...streaming]).then(([all]) => all)
  const result =
    onLine === undefined ? await finished : await Promise.race([finished, endedAlone(child.nodeChildProcess)])
  clearTimeout(timer)
  options.signal?.removeEventListener('abort', end)

  if (result.exitCode === undefined && result.signal === undefined) {
    const missing = (result as { code?: string }).code === 'ENOENT'
    throw new CofferError(
      missing ? 'COMMAND_NOT_FOUND' : 'COMMAND_NOT_STARTED',
      missing ? `${file}: command not found` : `${file} could not be started: ${(result as Error).message}`,
      {
        exitCode: 127,
        hint: missing ? `Install the package that provides ${file}.` : `Repeat it with: ${replay}`,
      },
    )
  }
  const bytes = result.stdout instanceof Uint8Array ? result.stdout : new Uint8Array()
  const outcome: RunResult = {
    exitCode: result.exitCode ?? 128 + (signalNumbers[result.signal ?? ''] ?? 0),
    stdout: typeof result.stdout === 'string' ? result.stdout : '',
    stderr: typeof result.stderr === 'string' ? result.stderr : decode(result.stderr),
    stdoutBytes: bytes,
    replay,
    durationMs: performance.now() - started,
  }
  if (timedOut) {
    throw new CofferError('COMMAND_TIMED_OUT', `${file} did not end within ${options.timeoutMs} ms`, {
      exitCode: 124,
      hint: `Repeat it with: ${replay}`,
      retryable: true,
    })
  }
  if (outcome.exitCode !== 0 && options.check !== false) throw commandFailed(file, outcome)
  return outcome
}

/** The error for a finished command that failed; its exit code is the command's own. */
export function commandFailed(file: string, outcome: RunResult): CofferError {
  const tail = outcome.stderr.trimEnd().split('\n').slice(-5).join('\n')
  const message = `${file} failed with status ${outcome.exitCode}${tail === '' ? '' : `: ${tail}`}`
  return new CofferError('COMMAND_FAILED', message, {
    exitCode: outcome.exitCode,
    hint: `Repeat it with: ${outcome.replay}`,
  })
}

function decode(value: unknown): string {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : ''
}

/** How a process ended, a moment after it did: its output may never end when a daemon has inherited it. */
function endedAlone(child: NodeJS.EventEmitter) {
  return new Promise<{ exitCode?: number; signal?: string; stdout?: undefined; stderr?: undefined }>(
    (resolve) => {
      child.once('exit', (code: number | null, signal: string | null) => {
        const ended = { ...(code === null ? {} : { exitCode: code }), ...(signal === null ? {} : { signal }) }
        setTimeout(() => resolve(ended), OUTPUT_GRACE_MS).unref()
      })
    },
  )
}

function groupEnder(pid: number | undefined): () => void {
  return () => {
    if (pid === undefined) return
    const kill = (signal: NodeJS.Signals) => {
      try {
        process.kill(-pid, signal)
      } catch {
        // The group has ended already.
      }
    }
    kill('SIGTERM')
    setTimeout(() => kill('SIGKILL'), KILL_GRACE_MS).unref()
  }
}
