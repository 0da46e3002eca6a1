import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { CofferError } from '../../lib/errors.ts'
import { packageInstallsFiles } from './package-installs/files.ts'
import { addPackages, type Squashed, squashedJson, squashedTable } from './package-installs/squash.ts'
import { runTool } from './tool.ts'

// package-installs-squash --elements="a b" --path=DIR:DIR OUTFILE
// Writes OUTFILE (JSON) and, beside it with the suffix .tsv, the table for the scripts in the chroot.
await runTool('package-installs-squash', async ({ args, env, say }) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { elements: { type: 'string' }, path: { type: 'string' } },
  })
  const [output] = positionals
  if (values.elements === undefined || values.path === undefined || output === undefined) {
    throw new CofferError('USAGE', 'Elements, path or output file are missing', {
      hint: 'Usage: package-installs-squash --elements="a b" --path=DIR:DIR OUTFILE',
      exitCode: 2,
    })
  }
  const elements = values.elements.split(/\s+/).filter((name) => name !== '')
  const result: Squashed = new Map()
  for (const file of await packageInstallsFiles(elements, values.path.split(':'))) {
    say(`Squashing install file: ${file.path}`)
    addPackages(result, file.content, file.element, env)
  }
  await writeFile(output, squashedJson(result))
  await writeFile(`${output.replace(/\.json$/, '')}.tsv`, squashedTable(result))
})
