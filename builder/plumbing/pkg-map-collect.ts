import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import { isFile } from '../../lib/path-kind.ts'
import { flattenPackageMap, packageMapTable } from './pkg-map.ts'
import { imageElements, runTool } from './tool.ts'

// pkg-map-collect DIRECTORY: copies the package map of every element into DIRECTORY, under the element's name, with the
// table that pkg-map reads in the image beside it (.tsv).
await runTool('pkg-map-collect', async ({ args, env, say }) => {
  const [directory] = args
  if (directory === undefined) {
    throw new CofferError('USAGE', 'The directory is missing', {
      hint: 'Usage: pkg-map-collect DIRECTORY',
      exitCode: 2,
    })
  }
  await mkdir(directory, { recursive: true })
  for (const [element, home] of imageElements(env)) {
    const source = join(home, 'pkg-map')
    if (!(await isFile(source))) continue
    const text = await readFile(source, 'utf8')
    const table = packageMapTable(flattenPackageMap(text, source))
    say(`Copying pkg-map for ${element}`)
    await writeFile(join(directory, element), text)
    await writeFile(join(directory, `${element}.tsv`), table)
  }
})
