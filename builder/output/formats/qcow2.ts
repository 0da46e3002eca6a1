import { stat } from 'node:fs/promises'
import { CofferError } from '../../../lib/errors.ts'
import { run } from '../../../lib/exec.ts'
import { compressIntoQcow2 } from '../qcow2-write.ts'
import type { RawFormat, RawJob } from '../types.ts'
import { convert, qemuImgTool, splitOptions } from './qemu-img.ts'

/**
 * QEMU's own format, compressed unless `-u` says otherwise.
 *
 * The same disk gives the same file, however many processors compress it.
 */
export const qcow2: RawFormat = {
  name: 'qcow2',
  suffix: 'qcow2',
  from: 'raw',
  consumesRaw: false,
  compresses: 'on request',
  finish: 'image',
  tools: () => [qemuImgTool],
  write(job) {
    const options = job.qemuImgOptions ?? ''
    if (job.compress && splitOptions(options).every((option) => PLAIN_OPTION.test(option))) {
      return compressOnAllCores(job, options)
    }
    return convert(job, 'qcow2', { compress: job.compress, options })
  },
}

/** Options that leave the image one that {@link compressIntoQcow2} can fill. */
const PLAIN_OPTION = /^(compat|cluster_size|lazy_refcounts)=|^compression_type=(zlib|zstd)$/

async function compressOnAllCores(job: RawJob, options: string): Promise<void> {
  const { rawPath, target, cores, reuse, env, log, signal } = job
  log.info('Compressing the image')
  const { size } = await stat(rawPath)
  const wishes = options === '' ? [] : ['-o', options]
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', ...wishes, '--', target, String(size)], {
    env,
    ...(signal === undefined ? {} : { signal }),
  })
  await compressIntoQcow2({ rawPath, image: target, cores, reuse, signal })
}

/** Wishes for a qcow2 image, see {@link qcow2Options}. */
export interface Qcow2Wishes {
  /** zstd instead of zlib: four times faster to make and smaller, but needs QEMU 5.1 or newer to read. */
  readonly zstd?: boolean
  /** `0.10` for readers older than QEMU 1.1. */
  readonly compat?: '0.10' | '1.1'
  /** Bytes (or with qemu-img's unit letters). Default with zstd: 256k, which compresses better than qemu-img's 64k. */
  readonly clusterSize?: string
}

/**
 * The text for `--qemu-img-options`.
 *
 * @throws CofferError `QCOW2_OPTIONS_CONFLICT` for zstd in an image of the old revision, which has no place for it
 */
export function qcow2Options(wishes: Qcow2Wishes): string {
  const { zstd = false, compat, clusterSize = zstd ? '256k' : undefined } = wishes
  if (zstd && compat === '0.10') {
    throw new CofferError(
      'QCOW2_OPTIONS_CONFLICT',
      'A qcow2 image with compat=0.10 cannot be compressed with zstd',
      {
        hint: 'Leave out one of the two.',
      },
    )
  }
  return [
    ...(compat === undefined ? [] : [`compat=${compat}`]),
    ...(zstd ? ['compression_type=zstd'] : []),
    ...(clusterSize === undefined ? [] : [`cluster_size=${clusterSize}`]),
  ].join(',')
}
