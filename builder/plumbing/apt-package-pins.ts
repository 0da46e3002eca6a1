import { readFile, writeFile } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'
import { packagePins } from './package-pins.ts'
import { runTool } from './tool.ts'

// apt-package-pins MANIFEST OUTFILE: writes apt preferences that pin every package of a dpkg manifest.
await runTool('apt-package-pins', async ({ args, say }) => {
  const [manifest, output] = args
  if (manifest === undefined || output === undefined) {
    throw new CofferError('USAGE', 'The manifest or the output file is missing', {
      hint: 'Usage: apt-package-pins MANIFEST OUTFILE',
      exitCode: 2,
    })
  }
  const pins = packagePins(await readFile(manifest, 'utf8'), manifest)
  if (pins.length === 0) return
  await writeFile(output, pins.join('\n'), { mode: 0o644 })
  say(`Pinned ${pins.length} packages to the versions of ${manifest}`)
})
