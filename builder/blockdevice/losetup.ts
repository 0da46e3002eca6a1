import { type FileHandle, open, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import { run } from '../../lib/exec.ts'

/** What to attach. */
export interface LoopRequest {
  readonly path: string
  /** Bytes; the whole file when undefined. */
  readonly offset?: number | undefined
  readonly size?: number | undefined
  readonly sectorSize: number
  /** True leaves the device until someone detaches it; false ties it to this process. */
  readonly persistent: boolean
}

export interface LoopDevice {
  /** For example `/dev/loop0`. */
  readonly device: string
  /** Detaches it and waits until it is gone. Safe to call twice. */
  readonly detach: () => Promise<void>
}

/**
 * Attaches a file, or a piece of it, to a loop device.
 *
 * Unless it is persistent the device is held open by this process and marked for clearing on last close (`losetup -d` of
 * an open device sets autoclear, loop(4)): when the process dies, by SIGKILL too, and its mounts are gone, so is the device.
 *
 * @throws CofferError `BLOCK_DEVICE_NO_LOOP` when the machine gives none.
 */
export async function attachLoop(request: LoopRequest): Promise<LoopDevice> {
  const device = await losetup(request)
  if (request.persistent) return { device, detach: () => detachLoop(device) }
  let handle: FileHandle | undefined
  try {
    handle = await open(device, 'r')
  } finally {
    // Marks an open device, detaches one that could not be opened: either way nothing is left behind.
    await run(['losetup', '--detach', device])
  }
  return {
    device,
    async detach() {
      await handle?.close()
      handle = undefined
      await waitUntilFree(device, request.path)
    },
  }
}

/** Detaches a device, whoever attached it: up to nine tries, as in DIB (contract §4.3). */
export async function detachLoop(device: string): Promise<void> {
  if ((await backingFile(device)) === undefined) return
  for (let attempt = 1; ; attempt++) {
    const result = await run(['losetup', '--detach', device], { check: false })
    if (result.exitCode === 0) return
    if (attempt >= 9) {
      throw new CofferError(
        'BLOCK_DEVICE_BUSY',
        `The loop device ${device} cannot be detached: ${result.stderr.trim()}`,
        { hint: `See who uses it: fuser -vm ${device}` },
      )
    }
    await systemClock.sleep(500)
  }
}

async function losetup(request: LoopRequest): Promise<string> {
  const argv: [string, ...string[]] = [
    'losetup',
    '--find',
    '--show',
    ...(request.offset === undefined ? [] : ['--offset', String(request.offset)]),
    ...(request.size === undefined ? [] : ['--sizelimit', String(request.size)]),
    ...(request.sectorSize === 512 ? [] : ['--sector-size', String(request.sectorSize)]),
    '--',
    request.path,
  ]
  const result = await run(argv, { check: false })
  if (result.exitCode === 0) return result.stdout.trim()
  throw new CofferError(
    'BLOCK_DEVICE_NO_LOOP',
    `No loop device could be attached to ${request.path}: ${result.stderr.trim()}`,
    {
      hint: 'Loop mode needs root and free /dev/loop devices; layouts with ext4, vfat and swap only are written without any.',
    },
  )
}

async function waitUntilFree(device: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    if ((await backingFile(device)) !== path) return
    await systemClock.sleep(100)
  }
  throw new CofferError('BLOCK_DEVICE_BUSY', `The loop device ${device} is still in use`, {
    hint: `See who uses it: fuser -vm ${device}`,
  })
}

/** The file a loop device is attached to; undefined when it is free. */
export async function backingFile(device: string): Promise<string | undefined> {
  try {
    const text = await readFile(`/sys/block/${basename(device)}/loop/backing_file`, 'utf8')
    return text.replace(/\n$/, '')
  } catch {
    return undefined
  }
}
