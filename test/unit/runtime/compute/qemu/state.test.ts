import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../../lib/clock.ts'
import { run } from '../../../../../lib/exec.ts'
import { oneAtATime } from '../../../../../runtime/compute/qemu/by-id.ts'
import { layoutOf } from '../../../../../runtime/compute/qemu/layout.ts'
import { endProcess, isAlive, readIdentity } from '../../../../../runtime/compute/qemu/process.ts'
import { openSlots } from '../../../../../runtime/compute/qemu/slots.ts'
import { openVolumes } from '../../../../../runtime/compute/qemu/volumes.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'qemu-state-test-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('an id cannot leave the state directory', () => {
  const layout = layoutOf(directory)
  for (const id of [
    '',
    '..',
    '../x',
    'a/b',
    '.slots',
    'a.new',
    '-rf',
    'a b',
    'a,b',
    'x'.repeat(65),
    'ä',
    'a\0',
  ]) {
    expect(() => layout.server(id)).toThrow(expect.objectContaining({ code: 'ID_INVALID' }))
    expect(() => layout.volume(id)).toThrow(expect.objectContaining({ code: 'ID_INVALID' }))
  }
  expect(layout.server('5b2fd7a1-6d0c').directory).toBe(join(directory, 'instances/5b2fd7a1-6d0c'))
})

describe('slots', () => {
  const holder = (id: string) => ({ id, name: 'n', instanceId: `instance-${id}` })

  test('are never given twice, also not to two processes at once', async () => {
    const two = [openSlots(join(directory, 's'), 2, 100), openSlots(join(directory, 's'), 2, 100)]
    const given = await Promise.all(
      Array.from({ length: 40 }, (_, n) => two[n % 2]?.claim(holder(`server-${n}`))),
    )
    expect(new Set(given).size).toBe(40)
    expect([...given].sort((a = 0, b = 0) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n + 2))
  })

  test('stay with their holder until freed, over restarts', async () => {
    const slots = openSlots(join(directory, 's'), 2, 4)
    expect([await slots.claim(holder('a')), await slots.claim(holder('b'))]).toEqual([2, 3])
    const later = openSlots(join(directory, 's'), 2, 4)
    expect(await later.claim(holder('b'))).toBe(3)
    await expect(later.claim(holder('c'))).rejects.toMatchObject({ code: 'ADDRESSES_EXHAUSTED' })
    await later.free('a')
    await later.free('a')
    expect(await later.claim(holder('c'))).toBe(2)
    expect(await later.list()).toEqual([
      { ...holder('c'), slot: 2 },
      { ...holder('b'), slot: 3 },
    ])
  })
})

describe('a process', () => {
  /** The identity of a running process, as the launch script writes it. */
  async function identityOf(pid: number): Promise<string> {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    const start = text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
    return `${pid} ${start} ${await readFile('/proc/sys/kernel/random/boot_id', 'utf8')}`
  }

  test('is known by more than its number', async () => {
    const file = join(directory, 'process')
    const own = await identityOf(process.pid)
    await writeFile(file, own)
    const identity = await readIdentity(file)
    if (identity === undefined) throw new Error('not read')
    expect(await isAlive(identity)).toBe(true)
    expect(await isAlive({ ...identity, startTime: '1' })).toBe(false)
    expect(await isAlive({ ...identity, bootId: '00000000-0000-0000-0000-000000000000' })).toBe(false)
    expect(await isAlive({ ...identity, pid: 2 ** 22 + 1 })).toBe(false)
    // Someone else with the number of a process that ended is left alone: else this test would end here.
    await endProcess({ ...identity, startTime: '1' }, systemClock)
  })

  test('is unknown while its identity is missing, half written or nonsense', async () => {
    const file = join(directory, 'process')
    expect(await readIdentity(file)).toBeUndefined()
    for (const text of ['', '12', '12 34', '12 34 abc\n', '-1 34 00000000-0000-0000-0000-000000000000\n']) {
      await writeFile(file, text)
      expect(await readIdentity(file)).toBeUndefined()
    }
  })

  test('ends when asked to, and by force when it does not listen', async () => {
    const file = join(directory, 'process')
    const child = run(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done'], {
      check: false,
      onLine: () => undefined,
    })
    await expect
      .poll(async () => (await run(['sh', '-c', `ps -o pid= --ppid ${process.pid}; true`])).stdout.trim())
      .not.toBe('')
    const pids = (await run(['ps', '-o', 'pid=,args=', '--ppid', String(process.pid)])).stdout
    const pid = Number(/^\s*(\d+) sh -c trap/m.exec(pids)?.[1])
    await writeFile(file, await identityOf(pid))
    const identity = await readIdentity(file)
    if (identity === undefined) throw new Error('not read')
    await endProcess(identity, { ...systemClock, sleep: (ms) => systemClock.sleep(ms / 10) })
    expect((await child).exitCode).toBe(137)
    expect(await isAlive(identity)).toBe(false)
  })
})

describe('volumes', () => {
  const spec = { id: 'v1', name: 'data', sizeGb: 1, instanceId: 'i1' }

  test('take no room until they are written to, and are closed to other accounts', async () => {
    const volumes = openVolumes(layoutOf(directory), async () => [])
    await volumes.create(spec)
    await volumes.create(spec)
    expect(await volumes.list()).toEqual([{ id: 'v1', instanceId: 'i1', sizeGb: 1, status: 'available' }])
    const { stdout } = await run(['stat', '-c', '%s %b %a', layoutOf(directory).volume('v1').data])
    const [size, blocks, mode] = stdout.trim().split(' ').map(Number)
    expect([size, mode]).toEqual([1024 ** 3, 600])
    expect(blocks).toBeLessThan(100)
    await volumes.remove('v1')
    await volumes.remove('v1')
    expect(await readdir(join(directory, 'volumes'))).toEqual([])
  })

  test('are not deleted while a server has them', async () => {
    const volumes = openVolumes(layoutOf(directory), async () => ['s1'])
    await volumes.create(spec)
    await expect(volumes.remove('v1')).rejects.toMatchObject({ code: 'VOLUME_IN_USE', retryable: true })
    expect(await volumes.get('v1')).toMatchObject({ status: 'in-use' })
  })

  test('that do not fit on the disk, or have no size, are refused and leave nothing', async () => {
    const volumes = openVolumes(layoutOf(directory), async () => [])
    await expect(volumes.create({ ...spec, sizeGb: 2 ** 40 })).rejects.toMatchObject({
      code: 'HOST_DISK_SHORT',
      hint: expect.any(String),
    })
    for (const sizeGb of [0, -1, Number.NaN]) {
      await expect(volumes.create({ ...spec, sizeGb })).rejects.toMatchObject({ code: 'VOLUME_SIZE_INVALID' })
    }
    expect(await volumes.list()).toEqual([])
  })

  test('that were half made are seen as being made, and can be finished or deleted', async () => {
    const layout = layoutOf(directory)
    const volumes = openVolumes(layout, async () => [])
    await volumes.create(spec)
    await run(['mv', layout.volume('v1').directory, layout.volume('v1').building])
    expect(await volumes.list()).toEqual([{ id: 'v1', instanceId: 'i1', sizeGb: 1, status: 'creating' }])
    await volumes.create(spec)
    expect(await volumes.get('v1')).toMatchObject({ status: 'available' })
    expect(await readdir(layout.volumes)).toEqual(['v1'])
  })
})

test('actions on one id wait for each other, also for failed ones; those on others do not', async () => {
  const each = oneAtATime()
  const seen: string[] = []
  const step = (name: string, ms: number) => async () => {
    seen.push(`${name} begins`)
    await systemClock.sleep(ms)
    seen.push(`${name} ends`)
    if (name === 'bad') throw new Error('bad')
  }
  const bad = each('a', step('bad', 30))
  const next = each('a', step('next', 1))
  await each('b', step('other', 1))
  await expect(bad).rejects.toThrow('bad')
  await next
  expect(seen).toEqual(['bad begins', 'other begins', 'other ends', 'bad ends', 'next begins', 'next ends'])
})
