import { describe, expect, test } from 'vitest'
import { parseCommandLine } from '../../../builder/request/options.ts'
import { makeRequest } from '../../../builder/request/request.ts'

/** The request that words of a command line and an environment make, on an amd64 machine. */
function request(words: string, environment: Record<string, string> = {}, program = 'disk-image-create') {
  const args = words.split(' ').filter((word) => word !== '')
  const line = parseCommandLine(program, args)
  return makeRequest(program, args, line, { HOME: '/home/me', ...environment }, 'amd64')
}

test('every default is filled in', () => {
  expect(request('vm debian')).toEqual({
    program: 'disk-image-create',
    arch: 'amd64',
    named: ['vm', 'debian'],
    skipBase: false,
    ramdiskElement: undefined,
    packages: [],
    imageName: 'image',
    types: ['qcow2'],
    compress: true,
    checksum: undefined,
    overwrite: false,
    qemuImgOptions: undefined,
    dockerTarget: undefined,
    trace: 0,
    offline: false,
    useTmpfs: true,
    minTmpfsGiB: 2,
    imageCache: '/home/me/.cache/image-create',
    lockFiles: '/home/me/.cache/dib/lockfiles',
    tmpDir: '/tmp',
    size: {
      imageSizeGiB: undefined,
      extraMiB: undefined,
      journalMiB: undefined,
      maxOnlineResize: undefined,
      mkfsOptions: '',
    },
    rootLabel: undefined,
    fsType: 'ext4',
    installType: 'source',
    stepCache: false,
    resume: false,
    record: false,
    breaks: [],
    cores: expect.any(Number),
    callerEnv: { HOME: '/home/me' },
    args: ['vm', 'debian'],
  })
})

/** Option, variable, where in the request, what both make of "7" or a word. */
const pairs = [
  ['-a', 'ARCH', 'arch', 'arm64', 'arm64'],
  ['-o', 'IMAGE_NAME', 'imageName', 'name', 'name'],
  ['--image-cache', 'DIB_IMAGE_CACHE', 'imageCache', '/cache', '/cache'],
  ['--min-tmpfs', 'DIB_MIN_TMPFS', 'minTmpfsGiB', '7', 7],
  ['--qemu-img-options', 'QEMU_IMG_OPTIONS', 'qemuImgOptions', 'compat=0.10', 'compat=0.10'],
  ['--root-label', 'ROOT_LABEL', 'rootLabel', 'ROOT', 'ROOT'],
  ['--install-type', 'DIB_DEFAULT_INSTALLTYPE', 'installType', 'package', 'package'],
  ['--image-size', 'DIB_IMAGE_SIZE', 'size.imageSizeGiB', '2.5', 2.5],
  ['--image-extra-size', 'DIB_IMAGE_EXTRA_SIZE', 'size.extraMiB', '7', 7],
  ['--mkfs-journal-size', 'DIB_JOURNAL_SIZE', 'size.journalMiB', '7', 7],
  ['--max-online-resize', 'MAX_ONLINE_RESIZE', 'size.maxOnlineResize', '1000', '1000'],
] as const

test.each(pairs)('%s and %s say the same, and the option wins', (option, variable, path, text, value) => {
  expect(request('vm', { [variable]: text })).toHaveProperty(path, value)
  expect(request(`vm ${option} ${text}`, { [variable]: '3' })).toHaveProperty(path, value)
  const unset = request('vm', { [variable]: '' })
  expect(unset).toHaveProperty(path, at(request('vm'), path))
})

function at(value: object, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], value)
}

test.each([
  ['--offline', { DIB_OFFLINE: '1' }, 'offline', true],
  ['--no-tmpfs', { DIB_NO_TMPFS: '1' }, 'useTmpfs', false],
  ['--checksum', { DIB_CHECKSUM: '1' }, 'checksum', '1'],
  ['-n', { SKIP_BASE: '1' }, 'skipBase', true],
  ['-x', { DIB_DEBUG_TRACE: '1' }, 'trace', 1],
] as const)('%s and %j say the same', (option, environment, name, value) => {
  expect(request(`vm ${option}`)[name]).toBe(value)
  expect(request('vm', environment)[name]).toBe(value)
})

test('-x counts on from DIB_DEBUG_TRACE', () => {
  expect(request('vm -x -x', { DIB_DEBUG_TRACE: '1' }).trace).toBe(3)
})

test('a tmpfs is used only when DIB_NO_TMPFS is exactly 0, or unset', () => {
  expect(request('vm', { DIB_NO_TMPFS: '0' }).useTmpfs).toBe(true)
  expect(request('vm', { DIB_NO_TMPFS: 'no' }).useTmpfs).toBe(false)
})

test('--checksum keeps the choice of DIB_CHECKSUM', () => {
  expect(request('vm --checksum', { DIB_CHECKSUM: 'sha256' }).checksum).toBe('sha256')
})

test('packages are split at commas, empty words left out', () => {
  expect(request('vm -p a,b,, -p c').packages).toEqual(['a', 'b', 'c'])
})

test('break is split at commas', () => {
  expect(request('vm', { break: 'before-root,after-error,' }).breaks).toEqual(['before-root', 'after-error'])
})

describe('-t and -o', () => {
  test.each([
    ['-o x.qcow2', 'x', ['qcow2']],
    ['-o x.qcow2 -t qcow2', 'x', ['qcow2']],
    ['-o dir/x.raw -t raw', 'dir/x', ['raw']],
    ['-o x.qcow2 -t qcow2,raw', 'x.qcow2', ['qcow2', 'raw']],
    ['-o x.raw -t qcow2', 'x.raw', ['qcow2']],
    ['-t raw,qcow2,raw', 'image', ['raw', 'qcow2']],
  ] as const)('%s', (words, imageName, types) => {
    expect(request(`vm ${words}`)).toMatchObject({ imageName, types })
  })
})

describe('ramdisk-image-create', () => {
  test('has a main element: ramdisk unless told otherwise', () => {
    expect(request('vm', {}, 'ramdisk-image-create').ramdiskElement).toBe('ramdisk')
    expect(request('vm', { RAMDISK_ELEMENT: 'a' }, 'ramdisk-image-create').ramdiskElement).toBe('a')
    expect(
      request('vm --ramdisk-element b', { RAMDISK_ELEMENT: 'a' }, 'ramdisk-image-create').ramdiskElement,
    ).toBe('b')
  })

  test('disk-image-create has none', () => {
    expect(request('vm --ramdisk-element b').ramdiskElement).toBeUndefined()
  })
})

test('-c keeps only what is needed to find and cache things', () => {
  const kept = request('vm -c', { PATH: '/bin', SUDO_UID: '1', ARCH: 'arm64', DIB_OFFLINE: '1', SECRET: 'x' })
  const { callerEnv } = kept
  expect(
    Object.keys(callerEnv)
      .filter((name) => callerEnv[name] !== undefined)
      .sort(),
  ).toEqual(['HOME', 'PATH', 'SUDO_UID'])
  expect(kept).toMatchObject({ arch: 'amd64', offline: false })
})

test('relative directories are those of the caller', () => {
  expect(request('vm --image-cache here').imageCache).toBe(`${process.cwd()}/here`)
  expect(request('vm', { TMP_DIR: 'there' }).tmpDir).toBe(`${process.cwd()}/there`)
})

describe('what is refused', () => {
  test('no elements', () => {
    expect(() => request('-o x')).toThrow(expect.objectContaining({ code: 'NO_ELEMENTS' }))
  })

  const numbers = pairs.filter(([, , , , value]) => typeof value === 'number')
  test.each(numbers)('%s and %s that are no positive numbers', (option, variable) => {
    for (const text of ['0', '-1', 'big', '1G', 'NaN', 'Infinity']) {
      const refusal = expect.objectContaining({
        code: 'OPTION_VALUE_INVALID',
        message: `${option} needs a positive number, not '${text}'`,
        hint: `For example: ${option} 4`,
      })
      expect(() => request(`vm ${option}=${text}`)).toThrow(refusal)
      expect(() => request('vm', { [variable]: text })).toThrow(refusal)
    }
  })

  test.each(['yes', '-1', '1.5'])('DIB_DEBUG_TRACE=%s', (text) => {
    expect(() => request('vm', { DIB_DEBUG_TRACE: text })).toThrow(
      `DIB_DEBUG_TRACE needs a whole number, not '${text}'`,
    )
  })

  test.each(['-t ,', '-t ../x', '-t=qcow2'])('%s', (words) => {
    expect(() => request(`vm ${words}`)).toThrow(expect.objectContaining({ code: 'OUTPUT_TYPE_INVALID' }))
  })
})
