import { mkdir, writeFile } from 'node:fs/promises'
import { hostMirrors } from '../../../builder/packages/mirrors.ts'
import type { Argv } from '../../../lib/exec.ts'
import type { BenchRow } from './rows.ts'

const root = new URL('../../..', import.meta.url).pathname
const release = 'bookworm'
const packages = ['mariadb-server', 'openssh-server']

/** A command that builds, and the image that it leaves. Both are relative to a directory of this side's own. */
export interface BenchCommand {
  readonly argv: Argv
  readonly env: Readonly<Record<string, string>>
  readonly image: string
}

/** One of the builders that are compared. */
export interface BenchSide {
  readonly name: string
  /** True when a later build finds something of an earlier one. */
  readonly keepsState: boolean
  readonly command: (directory: string, row: BenchRow) => Promise<BenchCommand>
}

const listed = (row: BenchRow) => [...packages, ...row.packages]

/** What a user's own last script would be: the same for all sides. */
const script = (row: BenchRow) => `#!/bin/bash
set -eu
echo ${row.word} >/etc/bench-word
`

/** An element with that script, for the sides that have elements. @returns the directory for ELEMENTS_PATH */
async function lastElement(directory: string, row: BenchRow): Promise<string> {
  const phase = `${directory}/elements/bench-last/post-install.d`
  await mkdir(phase, { recursive: true })
  await writeFile(`${phase}/99-bench-last`, script(row), { mode: 0o755 })
  return `${directory}/elements`
}

const dib: BenchSide = {
  name: 'dib',
  keepsState: true,
  async command(directory, row) {
    const mirror = (await hostMirrors()).find(({ distribution }) => distribution === 'debian')
    const uri = mirror?.uri ?? ''
    return {
      argv: [
        ...(['disk-image-create', '-o', 'dib', '-p', listed(row).join(',')] as const),
        ...['debian-minimal', 'vm', 'bench-last'],
      ],
      env: {
        PATH: `${root}test/fixtures/dib-host/bin:${process.env.PATH}`,
        ELEMENTS_PATH: await lastElement(directory, row),
        DIB_RELEASE: release,
        DIB_DISTRIBUTION_MIRROR: uri,
        DIB_APT_SOURCES_CONF: [
          `default:deb ${uri} ${release} main`,
          `updates:deb ${uri} ${release}-updates main`,
          `security:deb ${mirror?.securityUri ?? uri} ${release}-security main`,
        ].join('\n'),
        DIB_IMAGE_CACHE: `${directory}/cache`,
        OVERWRITE_OLD_IMAGE: '1',
      },
      image: 'dib.qcow2',
    }
  },
}

const coffer: BenchSide = {
  name: 'coffer',
  keepsState: true,
  async command(directory, row) {
    return {
      argv: [
        ...([
          `${root}builder/bin/disk-image-create`,
          row.stepCache ? '--cache' : '--no-cache',
          '-n',
        ] as const),
        ...['-o', 'coffer', '-p', listed(row).join(','), '--qemu-img-options', 'compression_type=zstd'],
        ...['debian-minimal', 'vm', 'block-device-hybrid', 'bench-last'],
      ],
      env: {
        ELEMENTS_PATH: await lastElement(directory, row),
        DIB_RELEASE: release,
        DIB_IMAGE_CACHE: `${directory}/cache`,
        OVERWRITE_OLD_IMAGE: '1',
      },
      image: 'coffer.qcow2',
    }
  },
}

/** The least work that gives a file system with the same packages, and its conversion. */
const floor: BenchSide = {
  name: 'floor',
  keepsState: false,
  async command(_directory, row) {
    const build = `set -e
      rm -rf floor.root floor.raw floor.qcow2
      mmdebstrap --quiet --variant=minbase --include="$1" "$2" floor.root
      printf %s "$3" | chroot floor.root bash
      truncate -s 3G floor.raw
      mkfs.ext4 -q -F -d floor.root floor.raw
      qemu-img convert -c -f raw -O qcow2 floor.raw floor.qcow2
      rm -rf floor.root floor.raw`
    const list = ['linux-image-amd64', 'systemd-sysv', ...listed(row)].join(',')
    return { argv: ['bash', '-c', build, 'floor', list, release, script(row)], env: {}, image: 'floor.qcow2' }
  },
}

/** Real DIB, ours, and bare mmdebstrap. */
export const benchSides: readonly BenchSide[] = [dib, coffer, floor]
