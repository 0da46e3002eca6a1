import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { mergeServiceMaps, type ServiceMap, serviceFile } from './svc-map.ts'
import { imageElements, runTool } from './tool.ts'
import { parseYaml } from './yaml.ts'

// svc-map-merge OUTFILE: merges the service maps of all elements for DISTRO_NAME.
await runTool('svc-map-merge', async ({ args, env }) => {
  const [output] = args
  if (output === undefined) {
    throw new CofferError('USAGE', 'The output file is missing', {
      hint: 'Usage: svc-map-merge OUTFILE',
      exitCode: 2,
    })
  }
  const maps: ServiceMap[] = []
  for (const [element, home] of imageElements(env)) {
    const source = join(home, 'svc-map')
    try {
      maps.push({ element, content: parseYaml(await readFile(source, 'utf8'), source) })
    } catch (error) {
      if (!isErrno(error, 'ENOENT') && !isErrno(error, 'EISDIR')) throw error
    }
  }
  await writeFile(output, serviceFile(mergeServiceMaps(maps, env.DISTRO_NAME ?? '')))
})
