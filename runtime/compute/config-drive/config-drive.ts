import { chmod, mkdir, open, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CofferError } from '../../../lib/errors.ts'
import { type Argv, type RunOptions, run } from '../../../lib/exec.ts'
import { removeTree } from '../../../lib/tree.ts'
import { type FixedAddress, type Identity, metaData, networkData } from './meta-data.ts'

/** What a config drive holds. */
export interface ConfigDrive {
  readonly identity: Identity
  readonly card: FixedAddress
  readonly userData?: string
  /** Files for the top of the drive. Secret. */
  readonly files: Readonly<Record<string, string>>
}

/** The least FAT that mkfs.vfat makes without complaint, in bytes; larger content makes the drive larger. */
const LEAST_BYTES = 1024 * 1024

/** The paths of a config drive and their contents. Pure. */
export function driveContents(drive: ConfigDrive): Readonly<Record<string, string>> {
  for (const name of Object.keys(drive.files)) {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && name !== 'openstack') continue
    throw new CofferError('CONFIG_DRIVE_NAME_INVALID', `A config drive cannot hold a file named ${name}`, {
      hint: 'Use letters, digits, dots, underscores and dashes.',
    })
  }
  return {
    ...drive.files,
    'openstack/latest/meta_data.json': metaData(drive.identity),
    'openstack/latest/network_data.json': networkData(drive.card),
    ...(drive.userData === undefined ? {} : { 'openstack/latest/user_data': drive.userData }),
  }
}

/**
 * Writes a VFAT image labelled CONFIG-2 in OpenStack's layout, mode 0600. Needs no root and no mount; what it holds is
 * staged in files of mode 0600 beside it, so that nothing secret is in an argv, and the staged files go again.
 *
 * @param path of the image; its directory must be closed to other accounts. An image of an earlier try is replaced.
 * @throws CofferError `TOOL_MISSING`, `CONFIG_DRIVE_NAME_INVALID`
 */
export async function writeConfigDrive(path: string, drive: ConfigDrive): Promise<void> {
  const contents = Object.entries(driveContents(drive))
  const staging = `${path}.staging`
  await removeTree(staging)
  try {
    for (const [name, text] of contents) {
      await mkdir(join(staging, dirname(name)), { recursive: true, mode: 0o700 })
      await writeFile(join(staging, name), text, { mode: 0o600 })
    }
    const file = await open(path, 'w', 0o600)
    await file.truncate(driveSize(contents.map(([, text]) => Buffer.byteLength(text))))
    await file.close()
    await chmod(path, 0o600)
    await tool(['mkfs.vfat', '-n', 'CONFIG-2', '-i', '0C0FFE02', path])
    const tops = [...new Set(contents.map(([name]) => name.split('/')[0] ?? name))]
    // mtools would read the user's own ~/.mtoolsrc, and take an odd geometry for a mistake.
    const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', MTOOLSRC: '/dev/null', MTOOLS_SKIP_CHECK: '1' }
    // By its name alone: mtools would take `@@` in a path for the beginning of an offset.
    const sources = tops.map((name) => join(basename(staging), name))
    await tool(['mcopy', '-i', basename(path), '-s', '-Q', ...sources, '::/'], { env, cwd: dirname(path) })
  } finally {
    await removeTree(staging)
  }
}

/** Bytes: room for the contents in whole clusters, for directories, and for the tables. */
function driveSize(sizes: readonly number[]): number {
  const used = sizes.reduce((sum, size) => sum + Math.ceil(size / 4096) * 4096 + 4096, 0)
  return Math.max(LEAST_BYTES, Math.ceil((used * 1.25) / LEAST_BYTES) * LEAST_BYTES)
}

async function tool(argv: Argv, options: RunOptions = {}): Promise<void> {
  try {
    await run(argv, { timeoutMs: 60_000, ...options })
  } catch (error) {
    if (!(error instanceof CofferError) || error.code !== 'COMMAND_NOT_FOUND') throw error
    const program = argv[0]
    throw new CofferError('TOOL_MISSING', `Writing a config drive needs ${program}, which is not installed`, {
      hint: 'On Debian: apt-get install dosfstools mtools',
      cause: error,
    })
  }
}
