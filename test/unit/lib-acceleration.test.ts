import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { distrustKvm, proveAcceleration, runProbe } from '../../lib/acceleration.ts'
import { systemClock } from '../../lib/clock.ts'
import { run } from '../../lib/exec.ts'
import { findProgram } from '../../lib/find-program.ts'
import { longModeProbe } from '../../lib/long-mode-probe.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'acceleration-test-'))
})
afterAll(() => rm(directory, { recursive: true }))

test('the probe runs to its end under emulation', async () => {
  expect(await runProbe('tcg', { timeoutMs: 15_000 })).toBe(true)
})

test('a probe that does not end in time proves nothing', async () => {
  expect(await runProbe('tcg', { timeoutMs: 20 })).toBe(false)
})

test('the verdict is what the probe does under KVM here, and it is remembered', async () => {
  const cacheFile = join(directory, 'cache', 'verdict.json')
  const usable = await access('/dev/kvm').then(
    () => runProbe('kvm'),
    () => false,
  )
  const verdict = await proveAcceleration({ cacheFile })
  expect(verdict).toBe(usable ? 'kvm' : 'tcg')
  expect(JSON.parse(await readFile(cacheFile, 'utf8'))).toMatchObject({
    accel: verdict,
    key: expect.stringMatching(/QEMU/),
  })
  const started = performance.now()
  expect(await proveAcceleration({ cacheFile })).toBe(verdict)
  expect(performance.now() - started).toBeLessThan(2000)
})

test('a proof that is broken off remembers nothing: the next one decides', async () => {
  const cacheFile = join(directory, 'broken-off.json')
  const stop = new AbortController()
  const proof = proveAcceleration({ cacheFile, kvmDevice: '/dev/null', signal: stop.signal })
  stop.abort(new Error('the service stops'))
  await expect(proof).rejects.toThrow('the service stops')
  await expect(access(cacheFile)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a remembered trust in KVM lasts; distrust is reconsidered after a day', async () => {
  const cacheFile = join(directory, 'distrust.json')
  const without = { cacheFile, kvmDevice: '/nonexistent' }
  await distrustKvm({ cacheFile })
  const { key } = JSON.parse(await readFile(cacheFile, 'utf8')) as { key: string }
  const write = (accel: string, at: string) => writeFile(cacheFile, JSON.stringify({ key, accel, at }))

  await write('kvm', '2001-01-01T00:00:00Z')
  expect(await proveAcceleration(without)).toBe('kvm')

  await write('tcg', '2001-01-01T00:00:00Z')
  await proveAcceleration({
    ...without,
    clock: { ...systemClock, now: () => new Date('2001-01-01T23:00:00Z') },
  })
  expect(await readFile(cacheFile, 'utf8')).toContain('2001-01-01T00:00:00Z')
  await proveAcceleration({
    ...without,
    clock: { ...systemClock, now: () => new Date('2001-01-02T01:00:00Z') },
  })
  expect(await readFile(cacheFile, 'utf8')).toContain('2001-01-02T01:00:00.000Z')
})

test('a verdict of another machine, or nonsense in its place, is not used', async () => {
  const cacheFile = join(directory, 'foreign.json')
  for (const text of ['{"key":"another","accel":"kvm"}', 'nonsense', 'null']) {
    await writeFile(cacheFile, text)
    expect(await proveAcceleration({ cacheFile, kvmDevice: '/nonexistent' })).toBe('tcg')
  }
})

test('without QEMU the error names the package', async () => {
  await expect(proveAcceleration({ program: 'no-such-qemu' })).rejects.toMatchObject({
    code: 'TOOL_MISSING',
    hint: 'On Debian: apt-get install qemu-system-x86',
  })
})

const assembler = (await findProgram('as')) !== undefined && (await findProgram('objcopy')) !== undefined
test.runIf(assembler && process.arch === 'x64')(
  'the bytes are what the assembler makes of the source',
  async () => {
    const source = new URL('../../lib/long-mode-probe.S', import.meta.url).pathname
    const object = join(directory, 'probe.o')
    const binary = join(directory, 'probe.bin')
    await run(['as', '--64', '-o', object, source])
    await run(['objcopy', '-O', 'binary', '-j', '.text', object, binary])
    expect((await readFile(binary)).toString('hex')).toBe(Buffer.from(longModeProbe()).toString('hex'))
  },
)
