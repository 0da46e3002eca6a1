import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { OWNER_FILE, sweepStale } from '../../../builder/sandbox/stale.ts'
import { run } from '../../../lib/exec.ts'
import { lineLog } from '../../../lib/log.ts'
import { ownedName, processIdentity } from '../../../lib/process-identity.ts'

test('what builds left that were killed goes, and nothing else', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-stale-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const gone = (await run(['sh', '-c', 'echo $$ $(cut -d " " -f 22 /proc/$$/stat)'])).stdout.trim()
  const alive = (await processIdentity(process.pid)) ?? ''
  for (const [name, owner] of [
    ['dib_build.killed', gone],
    ['dib_build.running', alive],
  ] as const) {
    await mkdir(join(directory, name))
    await writeFile(join(directory, name, OWNER_FILE), owner)
  }
  await mkdir(join(directory, 'dib_build.ofnobody'))
  const own = await ownedName('coffer-inputs')
  const left = own.replace(/\.\d+-\d+\./, `.${gone.replace(' ', '-')}.`)
  for (const name of [own, left, 'coffer-inputs', 'coffer-inputs.other']) {
    await mkdir(join(directory, name))
    await writeFile(join(directory, name, 'taken'), '')
  }
  await sweepStale(
    directory,
    lineLog(() => undefined),
    [],
  )
  expect((await readdir(directory)).sort()).toEqual(
    ['dib_build.running', 'dib_build.ofnobody', own, 'coffer-inputs', 'coffer-inputs.other'].sort(),
  )
})
