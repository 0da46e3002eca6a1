import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'

/** What flake8 thinks of a Python script; undefined when flake8 is not installed (DIB contract §3.5, check 4). */
export async function flake8(path: string): Promise<string[] | undefined> {
  try {
    const result = await run(['flake8', '--', path], { check: false })
    return result.exitCode === 0 ? [] : [`failed flake8\n${result.stdout.trimEnd()}`]
  } catch (error) {
    if (error instanceof CofferError && error.code === 'COMMAND_NOT_FOUND') return undefined
    throw error
  }
}
