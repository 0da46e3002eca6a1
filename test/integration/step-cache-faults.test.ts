import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { openLayers } from '../../builder/cache/layers.ts'
import { cacheLayout } from '../../builder/cache/layout.ts'
import { verifySteps } from '../../builder/cache/verify.ts'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { flipByte } from '../unit/cache/flip-byte.ts'
import { withElements } from './engine-elements.ts'
import { bin, inOwnMounts, leftovers, workDirectory } from './harness.ts'
import { cachedBuilds, expectSameImage, script, whatHappened } from './step-cache-support.ts'

// A machine that fails, builds that are killed, and builds at the same time leave a cache that is sound.

const work = await workDirectory()
const steps = `${work}/cache/steps`
const layout = cacheLayout(steps)
const SEED = 'app/root.d/20-seed'
const phases = ['extra-data', 'pre-install', 'install', 'post-install', 'post-root', 'finalise', 'cleanup']
const elementsPath = await withElements(work, {
  [SEED]: script(),
  ...Object.fromEntries(
    phases.flatMap((phase) =>
      [40, 60].map((number) => [
        `app/${phase}.d/${number}-${phase}`,
        script(`root=; [ -n "$TMP_MOUNT_PATH" ] && [ -d "$TMP_MOUNT_PATH" ] && root=$TMP_MOUNT_PATH
echo ${phase} >> "$root/etc/app"; rm -f "$root/etc/app-${number}"; echo ${number} > "$root/etc/app-${number}"`),
      ]),
    ),
  ),
})
const { build, built, command, explained } = cachedBuilds(work, elementsPath)
const elements = ['app']
/** Makes all steps of the element run again. With 0 they are as at the beginning. */
const reseed = (seed: number) => writeFile(`${work}/elements/${SEED}`, script(seed === 0 ? '' : `# ${seed}`))

/** The image of a build that nothing disturbed, and that used no cache. */
const undisturbed = `${work}/undisturbed/image`

beforeAll(async () => {
  await mkdir(`${work}/undisturbed`)
  await built(elements, { name: undisturbed, type: 'tar,raw', cache: '--no-cache' })
})

/** Waits until the reaper and the kernel are done: at most ten seconds. */
async function settled(): Promise<string[]> {
  let left = await leftovers(work)
  for (let tries = 0; tries < 100 && left.length > 0; tries++) {
    await sleep(100)
    left = await leftovers(work)
  }
  return left
}

describe('SIGKILL', () => {
  /** Starts a build and kills it a moment after that many lines of output. @returns whether it was still running */
  async function killAfter(lines: number, milliseconds: number): Promise<boolean> {
    const { argv, settings } = command(elements, { name: 'killed' })
    const [program, ...args] = argv
    const child = spawn(program, args, { ...settings, stdio: ['ignore', 'pipe', 'ignore'] })
    const ended = once(child, 'close')
    let seen = 0
    const reached = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.toString().split('\n').length - 1
        if (seen >= lines) resolve()
      })
    })
    await Promise.race([reached.then(() => sleep(milliseconds)), ended])
    const living = child.exitCode === null
    child.kill('SIGKILL')
    await ended
    return living
  }

  test('at any moment leaves nothing behind, and the next build is right', async () => {
    const moments = fc.sample(
      fc.record({ lines: fc.integer({ min: 3, max: 90 }), ms: fc.integer({ min: 0, max: 60 }) }),
      10,
    )
    let killed = 0
    for (const [at, { lines, ms }] of moments.entries()) {
      const moment = `kill ${at}: ${ms} ms after line ${lines} (FC_SEED explores others)`
      await reseed(moments.length - 1 - at)
      if (await killAfter(lines, ms)) killed += 1
      expect(await settled(), moment).toEqual([])
    }
    expect(killed).toBeGreaterThan(5)
    const resumed = await built(elements, { name: 'image', type: 'tar,raw' })
    expect(resumed.cached).toContain('root.d/10-tiny-os')
    await expectSameImage(`${undisturbed}.tar`, `${work}/image.tar`)
    expect(await digestFile(`${work}/image.raw`)).toBe(await digestFile(`${undisturbed}.raw`))
    expect(await readdir(layout.builds)).toEqual([])
    expect((await verifySteps(steps)).damaged).toEqual([])
    expect(
      (await readdir(work)).filter((name) => name.startsWith('killed') && name !== 'killed.tar'),
    ).toEqual([])
  })
})

test('two builds at the same time share a cache', async () => {
  await reseed(100)
  const [one, two] = await Promise.all([
    built(elements, { name: 'one', cwd: work }),
    built(elements, { name: 'two', cwd: work }),
  ])
  for (const { ran } of [one, two]) expect(ran.length).toBeGreaterThan(1)
  await expectSameImage(`${work}/one.tar`, `${work}/two.tar`)
  await expectSameImage(`${undisturbed}.tar`, `${work}/one.tar`)
  expect((await built(elements, { name: 'one' })).ran).toEqual([])
  expect((await verifySteps(steps)).damaged).toEqual([])
  expect(await readdir(layout.builds)).toEqual([])
})

test('a damaged image in the cache is noticed, and made again from the layers', async () => {
  await built(elements, { name: 'image' })
  for (const name of await readdir(layout.artifacts))
    await flipByte(`${layout.artifacts}/${name}/image.tar`, 70_000)
  const result = await built(elements, { name: 'image' })
  expect(result.output).not.toContain('the image comes from the cache')
  expect(result.ran).toEqual([])
  await expectSameImage(`${undisturbed}.tar`, `${work}/image.tar`)
  expect((await built(elements, { name: 'image' })).output).toContain('the image comes from the cache')
  // Those that no build has asked for are found by looking.
  expect((await verifySteps(steps)).damaged.length).toBeGreaterThan(0)
  expect((await verifySteps(steps)).damaged).toEqual([])
})

test('after a power cut, only what is sure to have reached the disk is taken', async () => {
  await built(elements)
  const layers = (await openLayers(steps).list()).toSorted((a, b) =>
    a.meta.created.localeCompare(b.meta.created),
  )
  const { cached } = await explained(elements)
  // The last half of this build's layers had not been synced when the machine stopped.
  const own = layers.slice(-cached.length)
  const synced = own[Math.floor(own.length / 2)]?.meta.created ?? ''
  await writeFile(`${steps}/synced`, `${synced}\n`)
  for (const { name, meta } of layers) {
    await writeFile(`${layout.layer(name)}/meta.json`, JSON.stringify({ ...meta, bootId: 'the boot before' }))
  }
  const after = await explained(elements)
  expect(after.cached.length).toBeGreaterThan(0)
  expect(after.cached.length).toBeLessThan(cached.length)
  expect(after.reason).toBe('its result may not have reached the disk before the machine stopped')
  const result = await built(elements)
  expect(result.cached).toHaveLength(after.cached.length)
  expect(result.ran).toHaveLength(cached.length - after.cached.length)
  await expectSameImage(`${undisturbed}.tar`, `${work}/image.tar`)
  expect((await explained(elements)).cached).toEqual(cached)
})

describe('a full disk for the cache', () => {
  /**
   * A small disk for the cache, a build on it, then more room and the same build again, and a check of the cache. `$1` is the
   * mount point, `$2` the program that checks, the rest the build.
   */
  const SMALL_DISK = [
    'set -u; place=$1 check=$2 size=$3; shift 3',
    'mkdir -p "$place"; mount -t tmpfs -o "size=$size" none "$place"',
    '"$@"; echo "STATUS $?"',
    'mount -o remount,size=300m "$place"; echo "MORE ROOM"',
    '"$@"; echo "STATUS $?"',
    '"$check" cache verify --image-cache "$place"; echo "STATUS $?"',
  ].join('\n')
  const small = `${work}/small`

  async function onSmallDisk(size: string, named: readonly string[], name: string) {
    const { argv, settings } = command(named, { name })
    const shell = [...inOwnMounts, SMALL_DISK, 'bash'] as const
    const { stdout, stderr } = await run([...shell, small, bin('build-image'), size, ...argv], {
      ...settings,
      env: { ...settings.env, DIB_IMAGE_CACHE: small },
    })
    const [before = '', after = ''] = stdout.split('MORE ROOM\n')
    return { before, after, stderr }
  }

  test('is an error that says what to do; what was kept before is sound and taken', async () => {
    await withElements(work, {
      'large/root.d/20-early': script(),
      'large/install.d/50-large': script('dd if=/dev/zero of=/srv-large bs=1M count=64'),
      'large/cleanup.d/90-small': script('rm "$TARGET_ROOT/srv-large"'),
    })
    const { before, after } = await onSmallDisk('64m', ['large'], 'large')
    expect(before).toMatch(
      new RegExp(
        `^No space is left in ${small}/steps \\(64 MiB in all\\): install\\.d/50-large .*\nhint: .*cache prune.*$`,
        'm',
      ),
    )
    expect(before).toMatch(/^STATUS 1$/m)
    expect(before).not.toMatch(/^ {4}at /m)
    const again = whatHappened(after)
    expect(again.cached).toEqual(['root.d/10-tiny-os', 'root.d/20-early'])
    expect(after).toMatch(/^STATUS 0\n(?:\d+ sound), 0 damaged\nSTATUS 0\n$/m)
    expect(await leftovers(work)).toEqual([])
  })

  test('that has no room for the image ends no build: the image is there', async () => {
    const { before, after } = await onSmallDisk('30m', ['app'], 'roomy')
    expect(before).toMatch(/^WARNING: The image is not kept in the step cache: .*No space left on device/m)
    expect(before).toMatch(/^STATUS 0$/m)
    await expectSameImage(`${undisturbed}.tar`, `${work}/roomy.tar`)
    expect(whatHappened(after).ran).toEqual([])
    expect(after).toMatch(/, 0 damaged\nSTATUS 0\n$/)
  })

  test('and none at all refuses the build at once', async () => {
    const result = await build(elements, { env: { DIB_IMAGE_CACHE: '/dev/full' } })
    expect(result.exitCode).not.toBe(0)
    expect(result.output).not.toMatch(/^ {4}at /m)
  })
})

test('build-image cache lists, checks and empties it', async () => {
  const cache = (...args: string[]) =>
    run([bin('build-image'), 'cache', ...args, '--image-cache', `${work}/cache`], { check: false })
  const listed = (await cache('ls')).stdout
  expect(listed).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}image +\d\S* MiB {2,}tar$/m)
  expect(listed).toMatch(/ {2}layer +\d\S* MiB +\S+ s {2}root\.d\/10-tiny-os \(tiny-os\)$/m)
  expect(listed).toMatch(/^\d+ layers and \d+ images, \S+ MiB\n$/m)
  const json = JSON.parse((await cache('ls', '--json')).stdout) as { what: string; bytes: number }[]
  expect(json.find(({ what }) => what === 'root.d/10-tiny-os')?.bytes).toBeGreaterThan(1024 ** 2)

  const [layer] = (await openLayers(steps).list()).filter(({ meta }) => meta.step === '10-tiny-os')
  await flipByte(`${layout.layer(layer?.name ?? '')}/t/etc/hostname`, 0)
  const verified = await cache('verify')
  expect(verified.stdout).toMatch(
    new RegExp(`^damaged, and deleted: ${layer?.name}\n\\d+ sound, 1 damaged\n$`),
  )
  expect(verified.exitCode).toBe(1)
  expect((await cache('verify')).exitCode).toBe(0)

  expect((await cache('prune', '--keep', '20')).stdout).toBe('deleted 0 layers and 0 images, 0.0 MiB\n')
  await cache('prune')
  expect((await cache('ls')).stdout).toBe('0 layers and 0 images, 0.0 MiB\n')
  expect((await built(elements)).cached).toEqual([])
  expect((await cache('nonsense')).exitCode).toBe(2)
  expect((await readFile(`${work}/image.tar`)).length).toBeGreaterThan(0)
})
