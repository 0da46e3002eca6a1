import { createHash } from 'node:crypto'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { BuildRecord, FileRecord } from '../../../../registry/images/record.ts'
import { type Files, writeFiles } from './make-images.ts'

/** A package of a pretended guest. */
export interface StandInPackage {
  readonly name: string
  readonly version: string
  /** As the package's list says it, which may be before links: `/bin/redis`. */
  readonly files: Files
  readonly conffiles?: readonly string[]
  readonly source?: string
  /** Paths in the package's list that are not unpacked. */
  readonly leftOut?: readonly string[]
}

export const REDIS: StandInPackage = {
  name: 'redis-server',
  version: '5:7.0.15-1',
  source: 'redis',
  files: { '/bin/redis-server': 'program', '/etc/redis/redis.conf': 'port 6379\nsave 900 1\n' },
  conffiles: ['/etc/redis/redis.conf'],
  leftOut: ['/usr/share/man/man1/redis-server.1.gz'],
}

export const TCPDUMP: StandInPackage = {
  name: 'tcpdump',
  version: '4.99.3-1',
  files: { '/usr/bin/tcpdump': 'sniffer', '/usr/share/doc/tcpdump/copyright': 'BSD' },
}

const md5 = (content: string | Buffer) => createHash('md5').update(content).digest('hex')

/**
 * A directory like the root of a small guest with dpkg's database, merged `/usr`, an engine and a kernel.
 *
 * @param more files that no package brings, or that were changed after the packages had brought them
 */
export async function guestTree(
  directory: string,
  packages: readonly StandInPackage[],
  more: Files = {},
): Promise<string> {
  await writeFiles(directory, { 'usr/bin/': '' })
  await symlink('usr/bin', join(directory, 'bin'))
  await writeFiles(directory, {
    'etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
    'etc/fstab': 'LABEL=system / ext4 defaults 0 1\n',
    'etc/passwd': 'root:x:0:0::/root:/bin/bash\nredis:x:101:102::/:/bin/false\n',
    'etc/group': 'root:x:0:\nredis:x:102:\n',
    'boot/vmlinuz-6.1.0-56-amd64': 'kernel',
    'boot/initrd.img-6.1.0-56-amd64': 'initrd',
    'usr/lib/modules/6.1.0-56-amd64/modules.dep': '',
    'usr/lib/coffer/datastore': 'NAME=redis\nUNIT=redis-server.service\nPORT=6379\nDATA=/var/lib/redis\n',
    'usr/lib/coffer/agent/agent.cjs': 'runAgent("0.1.0+0123456789ab")',
    'usr/lib/coffer/agent/node': 'https://nodejs.org/download/release/v24.21.0/node-v24.21.0-headers.tar.gz',
    ...Object.fromEntries(packages.flatMap(({ files }) => Object.entries(files))),
    'var/lib/dpkg/status': packages.map(statusOf).join('\n'),
    ...Object.fromEntries(packages.flatMap((one) => Object.entries(infoFiles(one)))),
    ...more,
  })
  return directory
}

function statusOf({ name, version, source, files, conffiles = [] }: StandInPackage): string {
  return [
    `Package: ${name}`,
    'Status: install ok installed',
    'Architecture: amd64',
    ...(source === undefined ? [] : [`Source: ${source}`]),
    `Version: ${version}`,
    ...(conffiles.length === 0 ? [] : ['Conffiles:']),
    ...conffiles.map((path) => ` ${path} ${md5(files[path] ?? '')}`),
    'Description: a package',
    ' of more lines',
    '',
  ].join('\n')
}

function infoFiles({ name, files, conffiles = [], leftOut = [] }: StandInPackage): Files {
  const directories = Object.keys(files).flatMap((path) => {
    const words = path.split('/').slice(1, -1)
    return words.map((_, count) => `/${words.slice(0, count + 1).join('/')}`)
  })
  const listed = [...new Set(['/.', ...directories, ...Object.keys(files), ...leftOut])]
  const sums = Object.entries(files).filter(([path]) => !conffiles.includes(path))
  return {
    [`var/lib/dpkg/info/${name}.list`]: `${listed.join('\n')}\n`,
    [`var/lib/dpkg/info/${name}.md5sums`]: sums
      .map(([path, content]) => `${md5(content)}  ${path.slice(1)}\n`)
      .join(''),
  }
}

/** The record of a build that made an image of such a tree. */
export const RECORD: BuildRecord = {
  recordVersion: 1,
  name: 'redis',
  builder: { name: 'coffer', version: '0.1.0' },
  architecture: 'amd64',
  elements: [
    { name: 'debian-minimal', digest: 'a'.repeat(64), builtIn: true },
    { name: 'redis', digest: 'b'.repeat(64), builtIn: true },
  ],
  steps: [
    { phase: 'root.d', script: '08-apt-bootstrap', element: 'debian-minimal', id: '1' },
    { phase: 'install.d', script: '30-redis', element: 'redis', id: '2' },
    { phase: 'finalise.d', script: '80-redis', element: 'redis', id: '3' },
  ],
  packages: [
    {
      name: 'redis-server',
      version: '5:7.0.15-1',
      architecture: 'amd64',
      url: 'https://mirror.example/redis.deb',
    },
  ],
  downloads: [],
  outputs: [],
  agentVersion: '0.1.0+fedcba987654',
  nodeVersion: '24.0.0',
  unreproducible: [],
}

export const FILE_RECORD: FileRecord = {
  recordVersion: 1,
  files: {
    '/usr/bin/redis-server': [1],
    '/etc/redis/redis.conf': [1, 2],
    '/etc/passwd': [0, 1],
    '/tmp/leftover': [0, 99],
  },
}

/** A record for an image file, as it would be in `NAME.d`. */
export function recordFor(file: string, format: string, bytes: number, sha256: string): Files {
  const outputs = [{ file, format, bytes, sha256 }]
  return {
    'manifest.json': JSON.stringify({ ...RECORD, outputs }),
    'files.json.gz': gzipSync(JSON.stringify(FILE_RECORD)),
  }
}
