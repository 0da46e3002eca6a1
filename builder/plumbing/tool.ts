import { CofferError, describeError, isErrno } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { parseYaml } from './yaml.ts'

/** What a host-side program of an element gets from its caller. */
export interface ToolCall {
  readonly args: readonly string[]
  readonly env: Environment
  /** Prints a line for the person who reads the build's log. */
  readonly say: (line: string) => void
}

/** Runs a program that a hook script calls by name: errors become a sentence and an exit status, never a stack trace. */
export async function runTool(name: string, main: (call: ToolCall) => Promise<void>): Promise<void> {
  try {
    await main({
      args: process.argv.slice(2),
      env: process.env,
      say: (line) => void process.stdout.write(`${line}\n`),
    })
  } catch (error) {
    process.stderr.write(`${name}: ${describeError(error)}\n`)
    process.exitCode = error instanceof CofferError ? error.exitCode : isErrno(error) ? 1 : 70
  }
}

/**
 * The elements of the image and their directories, by name in ascending order (DIB contract §1.5, `IMAGE_ELEMENT_YAML`).
 *
 * @throws CofferError `ELEMENT_LIST_MISSING` when the variable is absent.
 */
export function imageElements(env: Environment): [name: string, directory: string][] {
  const text = env.IMAGE_ELEMENT_YAML
  if (text === undefined || text.trim() === '') {
    throw new CofferError('ELEMENT_LIST_MISSING', 'IMAGE_ELEMENT_YAML is not set', {
      hint: 'This program runs inside a build: the builder exports the variable.',
    })
  }
  return Object.entries(parseYaml(text, 'IMAGE_ELEMENT_YAML') as Record<string, string>).sort(([a], [b]) =>
    a < b ? -1 : 1,
  )
}
