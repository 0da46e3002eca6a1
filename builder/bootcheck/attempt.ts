import { type Argv, run } from '../../lib/exec.ts'
import { cleanLine, deadEnd, isFromKernel } from './console.ts'

/** Options of {@link attemptBoot}. */
export interface AttemptOptions {
  readonly expect: RegExp
  /** Milliseconds. */
  readonly timeoutMs: number
  /** Milliseconds until the kernel must have printed something. Default: no such limit. */
  readonly kernelMs?: number
  /** How many of the last console lines to keep. */
  readonly tail: number
  /** Where QEMU puts its temporary overlay. */
  readonly directory: string
  readonly signal: AbortSignal
  readonly onLine?: (line: string) => void
}

/** How one start of QEMU ended. */
export type Attempt = { readonly kernelSeen: boolean } & (
  | { readonly kind: 'ready'; readonly line: string; readonly seconds: number }
  | { readonly kind: 'stopped' }
  | {
      readonly kind: 'failed'
      readonly reason: string
      /** True when the guest itself said why, so that another accelerator would not help. */
      readonly explained: boolean
      readonly tail: readonly string[]
    }
)

/** How long to go on reading after a dead end, for the lines that explain it, in milliseconds. */
const AFTERMATH_MS = 300

/** How long a line must stand unfinished to count as a prompt, in milliseconds. */
const PROMPT_MS = 1000

/**
 * Starts QEMU once, reads its console until the awaited line or a reason to give up, and ends it.
 *
 * @throws CofferError `COMMAND_NOT_FOUND`
 */
export async function attemptBoot(command: Argv, options: AttemptOptions): Promise<Attempt> {
  const started = performance.now()
  const stop = new AbortController()
  const tail: string[] = []
  const complaints: string[] = []
  let kernelSeen = false
  let ready: { line: string; seconds: number } | undefined
  let reason: string | undefined
  let explained = false
  let prompt: NodeJS.Timeout | undefined

  const giveUp = (why: string, afterMs = 0) => {
    if (reason !== undefined || ready !== undefined) return
    reason = why
    if (afterMs === 0) stop.abort()
    else timers.push(setTimeout(() => stop.abort(), afterMs))
  }
  const timers = [
    setTimeout(
      () => giveUp(`nothing awaited was printed within ${options.timeoutMs / 1000} s`),
      options.timeoutMs,
    ),
  ]
  const { kernelMs } = options
  if (kernelMs !== undefined) {
    const check = () => kernelSeen || giveUp(`its kernel printed nothing within ${kernelMs / 1000} s`)
    timers.push(setTimeout(check, kernelMs))
  }
  const awaited = (line: string): boolean => {
    if (ready === undefined && line.search(options.expect) >= 0) {
      ready = { line, seconds: (performance.now() - started) / 1000 }
      stop.abort()
    }
    return ready !== undefined
  }
  const read = (text: string) => {
    const line = cleanLine(text)
    if (line === '' || ready !== undefined) return
    options.onLine?.(line)
    tail.push(line)
    if (tail.length > options.tail) tail.shift()
    kernelSeen ||= isFromKernel(line)
    if (awaited(line)) return
    const meaning = deadEnd(line)
    if (meaning === undefined) return
    explained = true
    giveUp(meaning, AFTERMATH_MS)
  }

  try {
    // If this process dies in a way that runs no handler, the kernel ends QEMU.
    const result = await run(['setpriv', '--pdeathsig', 'KILL', '--', ...command], {
      env: { ...process.env, TMPDIR: options.directory },
      check: false,
      signal: AbortSignal.any([stop.signal, options.signal]),
      onLine: (text, stream) => {
        clearTimeout(prompt)
        if (stream === 'stderr') complaints.push(cleanLine(text))
        else for (const part of text.split('\r')) read(part)
      },
      // A login prompt does not end its line; any other line is only being printed, so give it time to go on.
      onPartialLine: (text) => {
        clearTimeout(prompt)
        prompt = setTimeout(() => awaited(cleanLine(text.split('\r').at(-1) ?? '')), PROMPT_MS)
      },
    })
    if (ready !== undefined) return { kind: 'ready', kernelSeen, ...ready }
    if (options.signal.aborted) return { kind: 'stopped', kernelSeen }
    return {
      kind: 'failed',
      kernelSeen,
      explained,
      tail,
      reason: reason ?? ended(result.exitCode, complaints),
    }
  } finally {
    for (const timer of [...timers, prompt]) clearTimeout(timer)
  }
}

function ended(exitCode: number, complaints: readonly string[]): string {
  if (exitCode === 0) return 'the guest powered off or reset itself'
  const last = complaints.filter((line) => line !== '').at(-1)
  return `QEMU ended with status ${exitCode}${last === undefined ? '' : ` (${last})`}`
}
