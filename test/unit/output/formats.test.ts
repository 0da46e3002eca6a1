import { expect, test } from 'vitest'
import { checksumLine } from '../../../builder/output/checksums.ts'
import { timestampedName } from '../../../builder/output/finish.ts'
import { splitOptions } from '../../../builder/output/formats/qemu-img.ts'
import { tarCommand } from '../../../builder/output/formats/tar.ts'
import {
  callerOf,
  checksumsOf,
  formatOf,
  outputFormats,
  partialOutputs,
  qcow2Options,
} from '../../../builder/output/index.ts'
import { lineLog } from '../../../lib/log.ts'
import { quoteCommand } from '../../../lib/quote.ts'

test('the formats, where they come from, their suffixes and what is done with an older file', () => {
  const table = [...outputFormats].map(([name, { from, suffix, finish, compresses }]) =>
    [name, suffix ?? '-', from, finish, compresses].join(' '),
  )
  expect(table).toEqual([
    'qcow2 qcow2 raw image on request',
    'raw raw raw image never',
    'tar tar tree archive never',
    'tgz tgz tree image always',
    'squashfs squash tree archive always',
    'docker - tree archive never',
    'aci aci tree archive never',
    'vhd vhd raw image never',
    'vhdx vhdx raw image never',
    'vmdk vmdk raw image never',
    'vdi vdi raw image never',
    'vpc vpc raw image never',
    'qed qed raw image never',
  ])
})

test('formats that differ each time say so', () => {
  const varying = [...outputFormats].filter(([, { varies }]) => varies !== undefined).map(([name]) => name)
  expect(varying).toEqual(['vhd', 'vhdx', 'vmdk', 'vdi', 'vpc'])
})

test('with a source date no member of an archive is dated later', () => {
  const log = lineLog(() => undefined)
  const job = { tree: '/t', target: '/x.tar-new', env: {}, log, cores: 1, sourceDate: 1_700_000_000 }
  expect(tarCommand(job)).toEqual(expect.arrayContaining(['--mtime=@1700000000', '--clamp-mtime']))
})

test('a word of no member is a format of qemu-img with that suffix', () => {
  expect(formatOf('parallels')).toMatchObject({ name: 'parallels', suffix: 'parallels', from: 'raw' })
})

test('the tar command', () => {
  const job = {
    tree: '/build/mnt',
    target: '/out/x.tar-new',
    env: {},
    log: lineLog(() => undefined),
    cores: 1,
  }
  expect(quoteCommand(tarCommand(job))).toBe(
    'tar --force-local -C /build/mnt -cf /out/x.tar-new --exclude ./sys --exclude ./proc --xattrs ' +
      `'--xattrs-include=*' --format=posix ` +
      '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime --sort=name --numeric-owner .',
  )
})

test('options for a qcow2 image', () => {
  expect(qcow2Options({})).toBe('')
  expect(qcow2Options({ zstd: true })).toBe('compression_type=zstd,cluster_size=256k')
  expect(qcow2Options({ zstd: true, clusterSize: '64k', compat: '1.1' })).toBe(
    'compat=1.1,compression_type=zstd,cluster_size=64k',
  )
  expect(qcow2Options({ compat: '0.10' })).toBe('compat=0.10')
  expect(() => qcow2Options({ zstd: true, compat: '0.10' })).toThrow(
    expect.objectContaining({ code: 'QCOW2_OPTIONS_CONFLICT' }),
  )
  expect(splitOptions('compat=0.10,backing_file=a,,b')).toEqual(['compat=0.10', 'backing_file=a,,b'])
})

test('what DIB_CHECKSUM may ask for', () => {
  expect([undefined, '', '0', '1', 'md5', 'sha256', 'md5,sha256', 'sha256 md5'].map(checksumsOf)).toEqual([
    [],
    [],
    [],
    ['md5', 'sha256'],
    ['md5'],
    ['sha256'],
    ['md5', 'sha256'],
    ['sha256', 'md5'],
  ])
  expect(() => checksumsOf('crc32')).toThrow(expect.objectContaining({ code: 'CHECKSUM_UNKNOWN' }))
})

test('checksum lines name the file as given, odd names in the way of coreutils', () => {
  expect(checksumLine('abc', 'out/x.qcow2')).toBe('abc  out/x.qcow2\n')
  expect(checksumLine('abc', 'a\\b\nc')).toBe('\\abc  a\\\\b\\nc\n')
})

test('an older image is named after the local time of its replacement', () => {
  expect(timestampedName('out.d/x.y.qcow2', new Date(2026, 0, 2, 3, 4, 5))).toBe(
    'out.d/x.y-2026.01.02-03.04.05.qcow2',
  )
})

test('every file that can be unfinished is known beforehand', () => {
  expect(partialOutputs(['qcow2', 'squashfs', 'docker'], '/o/x')).toEqual(
    ['qcow2', 'squash', 'docker'].flatMap((end) =>
      ['', '.md5', '.sha256'].map((sum) => `/o/x.${end}${sum}-new`),
    ),
  )
})

test('outputs go to the person behind sudo, and only to a real one', () => {
  expect(callerOf({ SUDO_UID: '1000', SUDO_GID: '100' }, 0)).toEqual({ uid: 1000, gid: 100 })
  // Only root can give files away.
  expect(callerOf({ SUDO_UID: '1000', SUDO_GID: '100' }, 1000)).toBe(undefined)
  for (const env of [
    {},
    { SUDO_UID: '1000' },
    { SUDO_UID: '0', SUDO_GID: '0' },
    { SUDO_UID: 'x', SUDO_GID: '1' },
  ]) {
    expect(callerOf(env, 0)).toBe(undefined)
  }
})
