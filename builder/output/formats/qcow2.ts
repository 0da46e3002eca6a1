import { CofferError } from '../../../lib/errors.ts'
import type { RawFormat } from '../types.ts'
import { convert, qemuImgTool, splitOptions } from './qemu-img.ts'

/**
 * QEMU's own format, compressed unless `-u` says otherwise.
 *
 * zlib (every QEMU reads it) is compressed on all processors, which leaves the order of clusters to chance. zstd is so
 * much faster that it is done in order: the same disk gives the same file.
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
    const zstd = splitOptions(options).includes('compression_type=zstd')
    return convert(job, 'qcow2', { compress: job.compress, options, ordered: zstd || !job.compress })
  },
}

/** Wishes for a qcow2 image, see {@link qcow2Options}. */
export interface Qcow2Wishes {
  /** zstd instead of zlib: seven times faster to make and smaller, but needs QEMU 5.1 or newer to read. */
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
