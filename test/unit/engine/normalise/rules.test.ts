import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { normaliseRules, normaliseTree } from '../../../../builder/engine/normalise/rules.ts'
import { parseCommandLine } from '../../../../builder/request/options.ts'
import { makeRequest } from '../../../../builder/request/request.ts'
import type { HookFile } from '../../../../phases/hooks.ts'

let work: string
let tree: string
beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'normalise-'))
  tree = join(work, 'tree')
  await mkdir(tree)
})
afterEach(() => rmSync(work, { recursive: true }))

const put = async (path: string, text = 'x') => {
  await mkdir(dirname(join(tree, path)), { recursive: true })
  await writeFile(join(tree, path), text)
}
const text = (path: string) => readFileSync(join(tree, path), 'utf8')
const there = (path: string) => lstatSync(join(tree, path), { throwIfNoEntry: false }) !== undefined

/** A script of an element with this text. */
async function hook(script: string): Promise<HookFile> {
  const source = join(work, 'script')
  await writeFile(source, script)
  return { destination: 'install.d/10-x', source, element: 'x', mode: 0o755, kind: 'file', digest: '' }
}

const normalise = (options: {
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
  readonly hooks?: readonly HookFile[]
  readonly sourceDate?: number
}) => {
  const { args = ['debian'], env = {}, hooks = [], sourceDate } = options
  const line = parseCommandLine('disk-image-create', args)
  const request = makeRequest('disk-image-create', args, line, env, 'amd64')
  return normaliseTree({ tree, request, hooks, sourceDate })
}

describe('build-manifests', () => {
  test('the image keeps the arguments that decide what is in it, wherever it is written', async () => {
    await put('etc/dib-manifests/dib_arguments')
    const args = [
      ...[
        '-o',
        '/home/alice/out/db.qcow2',
        '-t',
        'qcow2',
        '-x',
        '--no-tmpfs',
        '--image-cache',
        '/home/alice/cache',
      ],
      ...['--image-size', '4', '-n', '-p', 'tcpdump', 'debian', 'vm'],
    ]
    await normalise({ args })
    expect(text('etc/dib-manifests/dib_arguments')).toBe('-o db --image-size 4 -n -p tcpdump debian vm\n')
  })

  test('and the variables that an element mentions, without those of the person, secrets masked', async () => {
    await put('etc/dib-manifests/dib_environment', 'declare -x FOO=bar\n')
    await chmod(join(tree, 'etc/dib-manifests/dib_environment'), 0o600)
    const script = 'echo $DIB_RELEASE ${APP_TOKEN:-} $HOME $DIB_IMAGE_CACHE $http_proxy $TZ $LC_TIME $PATH'
    const env = {
      DIB_RELEASE: 'trixie',
      APP_TOKEN: 'hush',
      FOO: 'bar',
      TZ: 'Asia/Tokyo',
      LC_TIME: 'de_DE.UTF-8',
    }
    const person = { HOME: '/home/alice', PATH: '/bin', DIB_IMAGE_CACHE: '/c', http_proxy: 'http://p' }
    await normalise({ env: { ...env, ...person }, hooks: [await hook(script)] })
    expect(text('etc/dib-manifests/dib_environment')).toBe(
      "declare -x APP_TOKEN='***'\ndeclare -x DIB_RELEASE=trixie\n",
    )
    expect(lstatSync(join(tree, 'etc/dib-manifests/dib_environment')).mode & 0o777).toBe(0o600)
  })

  test('nothing is made where the element manifests is not used', async () => {
    await normalise({})
    expect(there('etc')).toBe(false)
  })
})

describe('machine-identity', () => {
  const id = '0123456789abcdef0123456789abcdef\n'
  test('an id that was made in the build goes', async () => {
    await put('etc/machine-id', id)
    await put('var/lib/dbus/machine-id', id)
    await normalise({})
    expect(text('etc/machine-id')).toBe('')
    expect(there('var/lib/dbus/machine-id')).toBe(false)
  })

  test('what an element wrote on purpose stays', async () => {
    await put('etc/machine-id', 'uninitialized\n')
    await normalise({})
    expect(text('etc/machine-id')).toBe('uninitialized\n')
  })
})

test('account-days: no password was changed after the source date', async () => {
  const shadow = 'root:*:20790:0:99999:7:::\nold:!:12:0:::::\nlocked:!::0:::::\n'
  await put('etc/shadow', shadow)
  await normalise({})
  expect(text('etc/shadow')).toBe(shadow)
  await normalise({ sourceDate: 100 * 86_400 + 5 })
  expect(text('etc/shadow')).toBe('root:*:100:0:99999:7:::\nold:!:12:0:::::\nlocked:!::0:::::\n')
})

test('caches and seeds that are made anew are deleted, their neighbours stay', async () => {
  const gone = [
    'var/cache/ldconfig/aux-cache',
    'var/cache/apt/pkgcache.bin',
    'var/cache/man/index.db',
    'var/cache/man/de/index.db',
    'var/cache/fontconfig/30014994-4bee-9d2f-8ae1-5a-le64.cache-8',
    'var/lib/systemd/random-seed',
  ]
  const kept = [
    'var/cache/apt/archives/lock',
    'var/cache/man/CACHEDIR.TAG',
    'var/cache/fontconfig/CACHEDIR.TAG',
  ]
  for (const path of [...gone, ...kept]) await put(path)
  await normalise({})
  expect(gone.filter(there)).toEqual([])
  expect(kept.filter(there)).toEqual(kept)
})

test('no link of the tree leads a rule to a file of this machine', async () => {
  const outside = join(work, 'outside')
  await mkdir(join(outside, 'ldconfig'), { recursive: true })
  await writeFile(join(outside, 'ldconfig/aux-cache'), 'of the host')
  await writeFile(join(outside, 'shadow'), 'root:*:20790:0:99999:7:::\n')
  await mkdir(join(tree, 'var'))
  await mkdir(join(tree, 'etc'))
  symlinkSync(outside, join(tree, 'var/cache'))
  symlinkSync(join(outside, 'shadow'), join(tree, 'etc/shadow'))
  await normalise({ sourceDate: 0 })
  expect(readFileSync(join(outside, 'ldconfig/aux-cache'), 'utf8')).toBe('of the host')
  expect(readFileSync(join(outside, 'shadow'), 'utf8')).toContain('20790')
})

test('done again, nothing changes', async () => {
  await put('etc/shadow', 'root:*:20790:0:99999:7:::\n')
  await put('etc/dib-manifests/dib_arguments', 'anything')
  await normalise({ sourceDate: 0 })
  const [shadow, args] = [text('etc/shadow'), text('etc/dib-manifests/dib_arguments')]
  await normalise({ sourceDate: 0 })
  expect([text('etc/shadow'), text('etc/dib-manifests/dib_arguments')]).toEqual([shadow, args])
})

test('every rule has a name of its own', () => {
  const names = normaliseRules.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
