import { run } from '../../../lib/exec.ts'

const elements = '/usr/lib/python3/dist-packages/diskimage_builder/elements'

/** The path of a program of the installed disk-image-builder (3.13), by element. It names its own Python. */
export function dibProgram(element: string, program: string): string {
  return `${elements}/${element}/${program}`
}

/** True when disk-image-builder is installed here, with the Python it needs. */
export const dibInstalled = await run(
  [dibProgram('package-installs', 'bin/package-installs-squash'), '--help'],
  {
    check: false,
  },
).then(
  (result) => result.exitCode === 0,
  () => false,
)
