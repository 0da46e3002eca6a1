// One table: our build beside real DIB's and bare mmdebstrap's, same release, same packages, in one run on this machine.
//
//   tools/node test/bench/build.ts [rounds=1]
//
// Needs root, a package mirror, python3-diskimage-builder, debootstrap, mmdebstrap and GNU time. How each side is run:
//   dib      real disk-image-create with its own elements; on machines without device-mapper, kpartx is replaced by
//            test/fixtures/dib-host/bin (loop devices by offset), which is not slower than kpartx itself
//   coffer   our disk-image-create with our elements and the layout that boots under BIOS and UEFI
//   floor    mmdebstrap with the same package list into a directory, mkfs.ext4 -d, qemu-img convert -c
// cold: empty caches. warm: the .deb caches of the cold run. The mirror is the host's own in all cases.
import { mkdtemp, readFile, stat } from 'node:fs/promises'
import { hostMirrors } from '../../builder/packages/mirrors.ts'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'

const root = new URL('../..', import.meta.url).pathname
const packages = ['mariadb-server', 'openssh-server']
const release = 'bookworm'

interface Row {
  readonly what: string
  readonly wall: number
  readonly cpu: number
  readonly memoryMiB: number
  readonly imageMiB: number
}

async function measure(
  what: string,
  directory: string,
  argv: readonly string[],
  env: Record<string, string>,
  image: string,
): Promise<Row> {
  process.stderr.write(`${what} …\n`)
  const times = `${directory}/times`
  await run(['/usr/bin/time', '-f', '%e %U %S %M', '-o', times, ...argv], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, LC_ALL: 'C', TMP_DIR: '/tmp', ...env },
  })
  const [wall = 0, user = 0, system = 0, kib = 0] = (await readFile(times, 'utf8'))
    .trim()
    .split(/\s+/)
    .slice(-4)
    .map(Number)
  return {
    what,
    wall,
    cpu: user + system,
    memoryMiB: kib / 1024,
    imageMiB: (await stat(`${directory}/${image}`)).size / 1024 ** 2,
  }
}

async function dib(directory: string, state: string): Promise<Row> {
  const mirror = (await hostMirrors()).find(({ distribution }) => distribution === 'debian')
  const uri = mirror?.uri ?? ''
  return measure(
    `dib, ${state}`,
    directory,
    ['disk-image-create', '-o', 'dib', '-p', packages.join(','), 'debian-minimal', 'vm'],
    {
      PATH: `${root}test/fixtures/dib-host/bin:${process.env.PATH}`,
      DIB_RELEASE: release,
      DIB_DISTRIBUTION_MIRROR: uri,
      DIB_APT_SOURCES_CONF: `default:deb ${uri} ${release} main\nupdates:deb ${uri} ${release}-updates main\nsecurity:deb ${mirror?.securityUri ?? uri} ${release}-security main`,
      DIB_IMAGE_CACHE: `${directory}/cache-dib`,
      OVERWRITE_OLD_IMAGE: '1',
    },
    'dib.qcow2',
  )
}

function coffer(directory: string, state: string): Promise<Row> {
  return measure(
    `coffer, ${state}`,
    directory,
    [
      `${root}builder/bin/disk-image-create`,
      '-n',
      '-o',
      'coffer',
      '-p',
      packages.join(','),
      '--qemu-img-options',
      'compression_type=zstd',
      'debian-minimal',
      'vm',
      'block-device-hybrid',
    ],
    { DIB_RELEASE: release, DIB_IMAGE_CACHE: `${directory}/cache-coffer`, OVERWRITE_OLD_IMAGE: '1' },
    'coffer.qcow2',
  )
}

/** The least work that gives a file system with the same packages, and its conversion. */
function floor(directory: string, state: string): Promise<Row> {
  const script = `set -e
    rm -rf floor.root floor.raw floor.qcow2
    mmdebstrap --quiet --variant=minbase --include="$1" "$2" floor.root
    truncate -s 3G floor.raw
    mkfs.ext4 -q -F -d floor.root floor.raw
    qemu-img convert -c -f raw -O qcow2 floor.raw floor.qcow2
    rm -rf floor.root floor.raw`
  const list = ['linux-image-amd64', 'systemd-sysv', ...packages].join(',')
  return measure(
    `floor, ${state}`,
    directory,
    ['bash', '-c', script, 'floor', list, release],
    {},
    'floor.qcow2',
  )
}

function print(rows: readonly Row[]): void {
  const cells = rows.map((row) => [
    row.what,
    row.wall.toFixed(1),
    row.cpu.toFixed(1),
    row.memoryMiB.toFixed(0),
    row.imageMiB.toFixed(0),
  ])
  const head = ['build', 'wall s', 'CPU s', 'peak MiB', 'image MiB']
  const line = (columns: readonly string[]) => `| ${columns.join(' | ')} |`
  process.stdout.write(
    `${[line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...cells.map(line)].join('\n')}\n`,
  )
}

const rounds = Number(process.argv[2] ?? '1')
const rows: Row[] = []
for (let round = 0; round < rounds; round++) {
  const directory = await mkdtemp('/tmp/coffer-bench.')
  try {
    for (const state of ['cold', 'warm']) {
      rows.push(await dib(directory, state), await coffer(directory, state), await floor(directory, state))
    }
  } finally {
    await removeTree(directory)
  }
}
print(medians(rows))

function medians(all: readonly Row[]): Row[] {
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  return [...new Set(all.map(({ what }) => what))].map((what) => {
    const same = all.filter((row) => row.what === what)
    return {
      what,
      wall: middle(same.map((row) => row.wall)),
      cpu: middle(same.map((row) => row.cpu)),
      memoryMiB: middle(same.map((row) => row.memoryMiB)),
      imageMiB: middle(same.map((row) => row.imageMiB)),
    }
  })
}
