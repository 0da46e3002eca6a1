import { existsSync } from 'node:fs'
import { describeError } from '../../lib/errors.ts'
import { lint } from '../lint/lint.ts'

const HELP = `Usage: dib-lint [DIRECTORY...]

Checks directories of elements. Without arguments: ELEMENTS_DIR, default diskimage_builder/elements, else elements.
LIB_DIR (default diskimage_builder/lib) names library files that are looked at too.

In a file, "# dib-lint: disable=RULE RULE" switches rules off; for a whole tree, "ignore = RULE RULE" in the section
[dib-lint] of tox.ini does.
`

/** `dib-lint` (DIB contract §3.5). Exit status 0 when nothing was found, 1 otherwise. */
async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  if (args.includes('-h') || args.includes('--help')) {
    process.stdout.write(HELP)
    return 0
  }
  const usual = ['diskimage_builder/elements', 'elements']
  const elements =
    args.length > 0 ? args : [env.ELEMENTS_DIR || (usual.find((path) => existsSync(path)) ?? usual[0] ?? '')]
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  say(`Running dib-lint in ${process.cwd()}`)
  const errors = await lint({ elements, library: env.LIB_DIR || 'diskimage_builder/lib', say })
  say(errors === 0 ? 'PASS' : '*** FAIL: Some tests failed!')
  return errors === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2), process.env)
} catch (error) {
  process.stderr.write(`dib-lint: ${describeError(error)}\n`)
  process.exitCode = 1
}
