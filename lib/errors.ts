/** Options of {@link CofferError}. */
export interface CofferErrorOptions {
  /** What the person can do next: one sentence. */
  readonly hint?: string
  /** Exit status of a command line tool that ends with this error. Default 1. */
  readonly exitCode?: number
  /** True when the same call may succeed later with nothing changed. Default false. */
  readonly retryable?: boolean
  readonly cause?: unknown
}

/**
 * An error a person or a program can act on.
 *
 * `code` is stable and UPPER_SNAKE_CASE; `docs/reference/errors.md` lists every code (a test keeps it so).
 * `message` is one sentence that says what happened and why.
 */
export class CofferError extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly exitCode: number
  readonly retryable: boolean

  constructor(code: string, message: string, options: CofferErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CofferError'
    this.code = code
    this.hint = options.hint
    this.exitCode = options.exitCode ?? 1
    this.retryable = options.retryable ?? false
  }
}

/** The text a person sees for an error: message, then the hint. Never a stack trace for a {@link CofferError}. */
export function describeError(error: unknown): string {
  if (error instanceof CofferError) {
    return error.hint === undefined ? error.message : `${error.message}\nhint: ${error.hint}`
  }
  if (isErrno(error)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** True for an error of the operating system (`ENOENT`, `EACCES`, …), optionally of the given code. */
export function isErrno(error: unknown, code?: string): error is NodeJS.ErrnoException {
  return (
    error instanceof Error &&
    'code' in error &&
    'syscall' in error &&
    (code === undefined || error.code === code)
  )
}
