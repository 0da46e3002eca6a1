import { CofferError } from '../../lib/errors.ts'
import { reasonOf } from './upstream.ts'

/** The store's disk refused a write; no other try can mend that. */
export function notWritable(error: unknown): CofferError {
  return new CofferError(
    'PACKAGE_CACHE_NOT_WRITABLE',
    `The package cache cannot be written: ${reasonOf(error)}`,
    {
      hint: 'Free some space, or choose another directory with --image-cache.',
    },
  )
}

/** The mirror answered 5xx or 429. */
export function mirrorError(url: string, status: number, reason: string | undefined): CofferError {
  return new CofferError('MIRROR_ERROR', `${url}: the mirror answered ${status} ${reason ?? ''}`.trimEnd(), {
    hint: 'Try again later, or set DIB_DISTRIBUTION_MIRROR to another mirror.',
    retryable: true,
  })
}

/** Less came than the mirror announced. */
export function shortBody(url: string, reason: string): CofferError {
  return new CofferError('MIRROR_SHORT_BODY', `${url}: the download broke off: ${reason}`, {
    hint: 'Check the network, or set DIB_DISTRIBUTION_MIRROR to another mirror.',
    retryable: true,
  })
}

/** Two tries gave two contents, and the client has a part of the first. */
export function bodyChanged(url: string): CofferError {
  return new CofferError(
    'MIRROR_BODY_CHANGED',
    `${url}: the file changed on the mirror during the download`,
    {
      hint: 'Build again.',
    },
  )
}
