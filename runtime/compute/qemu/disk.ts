import { chmod, stat, unlink } from 'node:fs/promises'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import { type Argv, run } from '../../../lib/exec.ts'
import type { ServerSpec } from '../types.ts'

const GiB = 1024 ** 3

/** No guest's system needs more; an image that claims more is a mistake or an attack. */
const LARGEST_IMAGE = 2048 * GiB

/** qemu-img reads files that strangers made: it gets little memory and time. OpenStack sets the same limits. */
const LIMITS = ['prlimit', '--as=1073741824', '--cpu=30', '--core=0', '--'] as const

/**
 * Looks at an image before a guest is built on it. Its format is what the caller says, never probed.
 *
 * @returns its virtual size in bytes
 * @throws CofferError `IMAGE_MISSING`, `IMAGE_REFUSED` (leads to another file, encrypted, corrupt, too large, not that format)
 */
export async function checkImage(image: ServerSpec['image']): Promise<number> {
  const found = await stat(image.path).catch((cause: unknown) => {
    if (!isErrno(cause)) throw cause
    throw new CofferError('IMAGE_MISSING', `The image ${image.id} is not there: ${cause.message}`, {
      hint: 'Register it again.',
      cause,
    })
  })
  if (!found.isFile()) throw refused(image, 'is not a regular file')
  if (image.format === 'raw') {
    if (found.size === 0 || found.size % 512 !== 0) throw refused(image, 'is not whole sectors long')
    return checkedSize(image, found.size)
  }
  const { exitCode, stdout, stderr } = await qemuImg(
    ['info', '--output=json', '-f', image.format, '-U', '--', image.path],
    false,
  )
  if (exitCode !== 0) throw refused(image, `cannot be read as ${image.format}: ${firstLine(stderr)}`)
  return checkedSize(image, checkInfo(image, JSON.parse(stdout)))
}

/**
 * Judges what `qemu-img info` says about a qcow2 image. Pure.
 *
 * @returns its virtual size in bytes
 */
export function checkInfo(image: ServerSpec['image'], value: unknown): number {
  const info = value as {
    readonly 'virtual-size'?: unknown
    readonly encrypted?: unknown
    readonly 'format-specific'?: { readonly data?: Readonly<Record<string, unknown>> }
    readonly [key: string]: unknown
  }
  const data = info['format-specific']?.data ?? {}
  if ('backing-filename' in info || 'full-backing-filename' in info)
    throw refused(image, 'has a backing file')
  if ('data-file' in data || 'data-file-raw' in data) throw refused(image, 'has an external data file')
  if (info.encrypted === true || 'encrypt' in data) throw refused(image, 'is encrypted')
  if (data.corrupt === true) throw refused(image, 'is marked corrupt')
  const size = info['virtual-size']
  if (typeof size !== 'number') throw refused(image, 'does not say how large it is')
  return size
}

function checkedSize(image: ServerSpec['image'], size: number): number {
  if (size <= 0 || size > LARGEST_IMAGE) throw refused(image, `claims to be ${size} bytes large`)
  return size
}

/**
 * Makes the server's own root disk: a layer over the image, which stays untouched. Its size is the flavor's, or the
 * image's if that is larger. An overlay of an earlier try is replaced.
 *
 * @param imageSize bytes, @param diskGb the flavor's
 */
export async function createOverlay(
  path: string,
  image: ServerSpec['image'],
  imageSize: number,
  diskGb: number,
): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error
  })
  const size = Math.max(imageSize, diskGb * GiB)
  const backing = ['-b', image.path, '-F', image.format]
  await qemuImg(['create', '-q', '-f', 'qcow2', ...backing, '--', path, String(size)], true)
  await chmod(path, 0o600)
}

async function qemuImg(args: readonly string[], check: boolean) {
  try {
    const argv: Argv = [...LIMITS, 'qemu-img', ...args]
    const result = await run(argv, { check, timeoutMs: 60_000 })
    if (result.exitCode === 127 || /prlimit: failed to execute/.test(result.stderr)) throw missing(undefined)
    return result
  } catch (error) {
    const failed = error instanceof CofferError && /failed to execute/.test(error.message)
    if (failed || (error instanceof CofferError && error.code === 'COMMAND_NOT_FOUND')) throw missing(error)
    throw error
  }
}

function missing(cause: unknown): CofferError {
  return new CofferError(
    'TOOL_MISSING',
    'Virtual machines need qemu-img and prlimit, and one is not installed',
    {
      hint: 'On Debian: apt-get install qemu-utils util-linux',
      cause,
    },
  )
}

function refused(image: ServerSpec['image'], why: string): CofferError {
  return new CofferError('IMAGE_REFUSED', `The image ${image.id} ${why}`, {
    hint: 'Flatten it first: qemu-img convert -O qcow2 IMAGE NEW. Then register the new one.',
  })
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
