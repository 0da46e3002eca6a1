import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { withElements } from './engine-elements.ts'
import { leftovers, workDirectory } from './harness.ts'
import { cachedBuilds, script, whatIsExplained } from './step-cache-support.ts'

// Which steps run again after which change. All builds share one cache, so that a change is undone by building as before.

const work = await workDirectory()
const marks = `${work}/marks`
const mark = `echo "$(basename "$0")" >> ${marks}`

/** `early` has a script in root.d, so that its data counts from there on; `late` begins in extra-data.d. */
const files: Readonly<Record<string, string>> = {
  'early/root.d/20-early': script(mark),
  'early/data/early.txt': 'one\n',
  'late/extra-data.d/30-late': script(mark),
  'late/install.d/40-late': script('cp /tmp/in_target.d/data/late.txt /etc/late.txt'),
  'late/install.d/50-late': script('echo "${PORT:-none}" > /etc/port'),
  'late/post-install.d/60-late': script('echo post > /etc/post'),
  'late/finalise.d/70-name': script('basename "$IMAGE_NAME" > /etc/image-name'),
  'late/finalise.d/75-size': script('echo "$DIB_IMAGE_SIZE" > /dev/null'),
  'late/finalise.d/80-type': script('echo "$IMAGE_TYPE" > /dev/null'),
  'late/cleanup.d/90-late': script(mark),
  'late/data/late.txt': 'one\n',
  'only-data/only.txt': '',
  'early/package-installs.yaml': 'one:\n',
  'late/package-installs.yaml': 'one:\n',
  'late/README.rst': 'It comes late.\n',
}
const elementsPath = await withElements(work, files)
const { build, built, command, explained } = cachedBuilds(work, elementsPath)
const elements = ['fake-packages', 'early', 'late']

/** All scripts of a build, in the order in which they run. */
const SCRIPTS = [
  'root.d/10-tiny-os',
  'root.d/20-early',
  'extra-data.d/30-late',
  'pre-install.d/50-fake-packages',
  'install.d/40-late',
  'install.d/50-late',
  'post-install.d/60-late',
  'finalise.d/70-name',
  'finalise.d/75-size',
  'finalise.d/80-type',
  'cleanup.d/90-late',
]
const ALL = SCRIPTS[0] as string
/** Nothing runs again. */
const NONE = 'none'

/** Scripts from one on. */
const from = (name: string): string[] => (name === NONE ? [] : SCRIPTS.slice(SCRIPTS.indexOf(name)))

let first: Awaited<ReturnType<typeof built>>
beforeAll(async () => {
  first = await built(elements)
})

describe('nothing has changed', () => {
  test('the first build runs everything, once', async () => {
    expect(first.ran).toEqual(SCRIPTS)
    expect(first.cached).toEqual([])
    expect(await readFile(marks, 'utf8')).toBe('20-early\n30-late\n90-late\n')
  })

  test('the next one runs nothing and gives the same bytes', async () => {
    const digest = await digestFile(`${work}/image.tar`)
    await writeFile(`${work}/image.tar`, 'overwritten')
    const second = await built(elements)
    expect(second.ran).toEqual([])
    expect(second.output).toContain('Nothing has changed: the image comes from the cache\n')
    expect(await digestFile(`${work}/image.tar`)).toBe(digest)
    expect(await readFile(marks, 'utf8')).toBe('20-early\n30-late\n90-late\n')
    expect(await leftovers(work)).toEqual([])
  })

  test('--explain says so', async () => {
    const { argv, settings } = command(elements, { args: ['--explain'] })
    const { cached, runs, reason } = whatIsExplained((await run(argv, settings)).stdout)
    expect(cached).toEqual(SCRIPTS.map((name) => name.split('/')[1]))
    expect({ runs, reason }).toEqual({ runs: [], reason: undefined })
  })

  test('--no-cache runs everything', async () => {
    expect((await built(elements, { cache: '--no-cache', name: 'uncached' })).ran).toEqual(SCRIPTS)
  })
})

/** A change to what a build is made from: the first script that it reaches, and how to make it and take it back. */
interface Change {
  readonly from: string
  readonly reason?: RegExp
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly name?: string
  readonly type?: string
  readonly elements?: readonly string[]
  /** A file of the elements, and what it becomes: another text, or another mode. */
  readonly file?: string
  readonly mode?: number
}

const edit = (file: string, reached = file.slice(file.indexOf('/') + 1)): Change => ({ from: reached, file })

const CHANGES: Readonly<Record<string, Change>> = {
  'the last script': { ...edit('late/cleanup.d/90-late'), reason: /^script changed: \w{12} → \w{12}$/ },
  'a script in the middle': edit('late/install.d/50-late'),
  'the first script of an element': edit('early/root.d/20-early'),
  'a mode bit': {
    ...edit('late/post-install.d/60-late'),
    mode: 0o700,
    reason: /^mode changed: "755" → "700"$/,
  },
  'data of an element with a script in root.d': {
    ...edit('early/data/early.txt', 'root.d/20-early'),
    reason: /^files of element early changed/,
  },
  'data of an element without': edit('late/data/late.txt', 'extra-data.d/30-late'),
  'a list that each element has': edit('early/package-installs.yaml', 'root.d/20-early'),
  'a README': edit('late/README.rst', NONE),
  'an element without scripts': { from: 'extra-data.d/30-late', elements: [...elements, 'only-data'] },
  'an element less': { from: 'extra-data.d/30-late', elements: ['fake-packages', 'late'] },
  'a variable that crosses': {
    from: ALL,
    env: { PORT: '3306' },
    reason: /^environment PORT (is new|changed.*)$/,
  },
  'a variable without effect': { from: NONE, env: { TERM: 'vt100', XDG_SESSION_ID: '7' } },
  'packages of -p': { from: 'post-install.d/60-late', args: ['-p', 'one,two'] },
  'the architecture': { from: ALL, args: ['-a', 'arm64'] },
  'the name of the image': { from: 'finalise.d/70-name', name: 'other' },
  'its size': { from: 'finalise.d/75-size', args: ['--image-size', '2'] },
  'room for more': { from: 'finalise.d/75-size', args: ['--image-extra-size', '100'] },
  'its type': { from: 'finalise.d/80-type', type: 'tgz' },
  'the layout of the disk': { from: ALL, elements: [...elements, 'block-device-gpt'] },
  'its root label': { from: ALL, args: ['--root-label', 'other'] },
  'the file system': { from: ALL, env: { FS_TYPE: 'ext3' } },
  checksums: { from: NONE, args: ['--checksum'] },
  compression: { from: NONE, args: ['-u'] },
  tracing: { from: NONE, args: ['-x'] },
}

/** Makes changes, does something, and takes them back. */
async function changed<T>(
  changes: readonly Change[],
  action: (elements: readonly string[], options: Parameters<typeof build>[1]) => Promise<T>,
): Promise<T> {
  for (const { file, mode } of changes) {
    if (file === undefined) continue
    if (mode !== undefined) await chmod(`${work}/elements/${file}`, mode)
    else await writeFile(`${work}/elements/${file}`, `${files[file]}# changed\n`)
  }
  try {
    const merged: Change = Object.assign({ from: NONE }, ...changes)
    return await action(merged.elements ?? elements, {
      name: merged.name ?? 'image',
      type: merged.type ?? 'tar',
      args: changes.flatMap(({ args = [] }) => args),
      env: Object.assign({}, ...changes.map(({ env = {} }) => env)),
    })
  } finally {
    for (const { file } of changes) {
      if (file === undefined) continue
      await writeFile(`${work}/elements/${file}`, files[file] ?? '')
      await chmod(`${work}/elements/${file}`, files[file]?.startsWith('#!') ? 0o755 : 0o644)
    }
  }
}

describe('something has changed', () => {
  test.each(Object.keys(CHANGES))('%s', async (what) => {
    const change = CHANGES[what] as Change
    const { runs, reason } = await changed([change], explained)
    const reached = from(change.from).filter(
      (name) => name !== 'root.d/20-early' || change.elements?.includes('early') !== false,
    )
    expect(runs).toEqual(reached.map((name) => name.split('/')[1]))
    if (change.reason !== undefined) expect(reason).toMatch(change.reason)
  })

  test('several things at once: exactly the steps run that the first of them reaches, and what follows', async () => {
    // Changes of elements and of types take each other's place; they have been tried by themselves.
    const single = Object.keys(CHANGES).filter((what) => {
      const { elements: list, type, env } = CHANGES[what] as Change
      return list === undefined && type === undefined && env?.FS_TYPE === undefined
    })
    await fc.assert(
      fc.asyncProperty(fc.subarray(single, { minLength: 1, maxLength: 4 }), async (what) => {
        const changes = what.map((name) => CHANGES[name] as Change)
        const reached = changes
          .map(({ from: name }) => from(name))
          .reduce((longest, next) => (next.length > longest.length ? next : longest))
        const result = await changed(changes, built)
        expect(result.ran, what.join(', ')).toEqual(reached)
      }),
      { numRuns: 4 },
    )
    expect((await built(elements)).ran).toEqual([])
  })

  test('an image of the same name elsewhere is the same image', async () => {
    await mkdir(`${work}/elsewhere`)
    const result = await built(elements, { cwd: `${work}/elsewhere` })
    expect(result.ran).toEqual([])
    expect(await digestFile(`${work}/elsewhere/image.tar`)).toBe(await digestFile(`${work}/image.tar`))
  })
})

describe('a script fails', () => {
  const failing = ['fails']
  const all = [
    'root.d/10-tiny-os',
    'install.d/10-good',
    'install.d/20-random',
    'install.d/30-bad',
    'install.d/40-after',
  ]
  beforeAll(async () => {
    await withElements(work, {
      'fails/install.d/10-good': script(),
      'fails/install.d/20-random': script('# cache: never\necho "$RANDOM" > /etc/random'),
      'fails/install.d/30-bad': script('exit 7'),
      'fails/install.d/40-after': script('cat /etc/random'),
    })
    const { exitCode, ran, cached } = await build(failing)
    expect({ exitCode, cached, ran }).toEqual({ exitCode: 7, cached: all.slice(0, 1), ran: all.slice(1, 4) })
  })

  test('without --resume what must not be cached runs again, and all that follows', async () => {
    expect((await explained(failing)).reason).toBe('it must not be cached')
    const { exitCode, ran } = await build(failing)
    expect({ exitCode, ran }).toEqual({ exitCode: 7, ran: all.slice(2, 4) })
  })

  test('--resume goes on at the script that failed, past what must not be cached', async () => {
    const { exitCode, ran } = await build(failing, { cache: '--resume' })
    expect({ exitCode, ran }).toEqual({ exitCode: 7, ran: all.slice(3, 4) })
    await withElements(work, { 'fails/install.d/30-bad': script() })
    const resumed = await built(failing, { cache: '--resume' })
    expect(resumed.ran).toEqual(all.slice(3))
    expect(resumed.cached).toEqual(all.slice(0, 3))
    expect((await built(failing, { cache: '--resume' })).ran).toEqual([])
    expect((await built(failing)).ran).toEqual(all.slice(2))
  })
})
