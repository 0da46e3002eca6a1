import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CofferError } from '../../../../lib/errors.ts'
import { run } from '../../../../lib/exec.ts'
import { isRunning, ownProcessId } from '../../../../lib/process-id.ts'
import { openRunFile, readRunFile, runFileOf, runningPlane } from '../../../../runtime/control/run-file.ts'
import { takeLock } from '../../../../runtime/control/state-lock.ts'
import { ownDirectory } from './support.ts'

const MODULE = new URL('../../../../runtime/control/state-lock.ts', import.meta.url).href

test('a lock has one owner, whether in this process or another, and a killed owner has none', async () => {
  const file = join(await ownDirectory(), 'run', 'coffer.lock')
  const release = await takeLock(file, 'A control plane')
  await expect(takeLock(file, 'A control plane')).rejects.toMatchObject({ code: 'STATE_LOCKED' })
  const take = (then: string) =>
    run(
      [
        process.execPath,
        '--input-type=module',
        '-e',
        `import { takeLock } from ${JSON.stringify(MODULE)}
         await takeLock(process.argv[1], 'A control plane').then(() => { ${then} }, (error) => { console.log(error.code) })`,
        file,
      ],
      { check: false },
    )
  expect((await take('console.log("taken")')).stdout).toBe('STATE_LOCKED\n')
  release()
  expect((await take('process.kill(process.pid, "SIGKILL")')).exitCode).toBe(137)
  const again = await takeLock(file, 'A control plane')
  again()
})

test('a process is told from a later one with its number', () => {
  const own = ownProcessId()
  expect(isRunning(own)).toBe(true)
  expect(isRunning({ ...own, startTicks: own.startTicks + 1 })).toBe(false)
  expect(isRunning({ ...own, boot: 'another' })).toBe(false)
  expect(isRunning({ ...own, pid: 2 ** 22 + 1 })).toBe(false)
})

test('a control plane says what it does, and what it left when it died is not taken for a running one', async () => {
  const stateDir = await ownDirectory()
  expect(runningPlane(stateDir)).toBeUndefined()
  const own = ownProcessId()
  const file = await openRunFile(stateDir, own, new Date('2026-11-23T12:00:00Z'))
  await Promise.all(['one', 'two', 'three'].map((step) => file.say({ step })))
  expect(runningPlane(stateDir)).toEqual({
    process: own,
    since: '2026-11-23T12:00:00.000Z',
    state: 'starting',
    step: 'three',
  })
  expect((await stat(runFileOf(stateDir))).mode & 0o777).toBe(0o600)
  await file.fail(new CofferError('PORT_TAKEN', 'The API cannot listen', { hint: 'Choose another port.' }))
  expect(readRunFile(stateDir)).toMatchObject({
    state: 'failed',
    code: 'PORT_TAKEN',
    step: 'The API cannot listen',
    hint: 'Choose another port.',
  })
  await file.remove()
  await openRunFile(stateDir, { ...own, startTicks: 1 }, new Date())
  expect(readRunFile(stateDir)).toBeDefined()
  expect(runningPlane(stateDir)).toBeUndefined()
})
