import { stat } from 'node:fs/promises'
import { describeError } from '../../../../lib/errors.ts'
import { trustedKeysOf } from '../../../../registry/images/policy.ts'
import { imagePolicyOf } from '../../../settings/image-policy.ts'
import type { Settings } from '../../../settings/types.ts'
import { type CheckResult, fail, ok } from './types.ts'

const NAME = 'image keys'

/** Whoever can write where the keys are decides which images are trusted. */
export async function checkImageKeys(
  settings: Pick<Settings, 'requireSignedImages' | 'trustedImageKeys'>,
): Promise<CheckResult> {
  const policy = imagePolicyOf(settings)
  if (!policy.requireSigned) return ok(NAME, 'images need no signature')
  try {
    const keys = await trustedKeysOf(policy)
    const open = await writableByOthers(policy.trustedKeys)
    return open.length === 0
      ? ok(NAME, `images need a signature of one of ${keys.length} keys`)
      : fail(NAME, `other accounts may write in ${open.join(', ')}`, `chmod go-w ${open.join(' ')}`)
  } catch (error) {
    const [sentence = '', hint = ''] = describeError(error).split('\nhint: ')
    return fail(NAME, sentence, hint)
  }
}

async function writableByOthers(places: readonly string[]): Promise<readonly string[]> {
  const modes = await Promise.all(
    places.map((place) =>
      stat(place).then(
        ({ mode }) => mode,
        () => 0,
      ),
    ),
  )
  return places.filter((_, at) => ((modes[at] ?? 0) & 0o022) !== 0)
}
