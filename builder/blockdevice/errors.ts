import { CofferError, type CofferErrorOptions } from '../../lib/errors.ts'

/** An error in a block device configuration. Messages that DIB has too keep DIB's words (DIB contract §4). */
export function configError(message: string, options: CofferErrorOptions = {}): CofferError {
  return new CofferError('BLOCK_DEVICE_CONFIG_INVALID', message, options)
}

/** The image is too small for what the configuration puts on it. */
export function tooSmall(message: string, cause?: unknown): CofferError {
  return new CofferError('BLOCK_DEVICE_TOO_SMALL', message, {
    hint: 'Give a larger --image-size, or make the partitions smaller.',
    cause,
  })
}
