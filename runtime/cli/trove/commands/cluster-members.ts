import { CofferError } from '../../../../lib/errors.ts'
import { FLAVOR, findId } from '../service/find.ts'
import type { Service } from '../service/types.ts'
import { nicOf } from './instance-request.ts'
import { present } from './instance-view.ts'
import type { JsonObject } from './types.ts'
import { wholeNumber } from './words.ts'

/** What `--instance` may say, with the key of the API that takes it as it is; `''` for those that need work. */
const KEYS: Readonly<Record<string, string>> = {
  flavor: '',
  flavor_id: '',
  volume: '',
  volume_type: '',
  nic: '',
  availability_zone: 'availability_zone',
  type: 'type',
  related_to: 'related_to',
  name: 'name',
  region: 'region_name',
}

/**
 * A member of a cluster from `flavor=2,volume=1,nic='net-id=…,v4-fixed-ip=…'`; `flavor_id` is the book's spelling.
 *
 * @throws CofferError `MEMBER_INVALID`, and those of {@link findId} and {@link nicOf}
 */
export async function memberRequest(service: Service, typed: string): Promise<JsonObject> {
  const parts = partsOf(typed)
  const last = (name: string) => parts.findLast(([key]) => key === name)?.[1]
  const flavor = last('flavor') ?? last('flavor_id')
  const volume = last('volume')
  if (flavor === undefined) throw invalid("Missing option 'flavor' for argument --instance")
  const nics = parts.filter(([key]) => key === 'nic').map(([, nic]) => nicOf(nic))
  const plain = parts.flatMap(([key, value]): [string, string][] =>
    KEYS[key] === undefined || KEYS[key] === '' ? [] : [[KEYS[key], value]],
  )
  return {
    ...Object.fromEntries(plain),
    ...present({
      flavorRef: await findId(service, FLAVOR, flavor),
      volume:
        volume === undefined
          ? undefined
          : present({ size: wholeNumber('--instance: volume', volume), type: last('volume_type') }),
      nics: nics.length === 0 ? undefined : nics,
    }),
  }
}

/** Divides at commas outside quotes. */
function partsOf(typed: string): [string, string][] {
  const parts = typed.match(/(?:[^,'"]|'[^']*'|"[^"]*")+/g) ?? []
  return parts.map((part) => {
    const equals = part.indexOf('=')
    const key = part.slice(0, Math.max(equals, 0)).trim()
    const value = part.slice(equals + 1).replace(/^(['"])(.*)\1$/, '$2')
    if (equals > 0 && value !== '' && Object.hasOwn(KEYS, key)) return [key, value]
    throw invalid(`Invalid '${part}' in argument --instance`)
  })
}

function invalid(message: string): CofferError {
  return new CofferError('MEMBER_INVALID', message, {
    hint: `give "opt=value[,opt=value ...]" with these options: ${Object.keys(KEYS).join(', ')}`,
  })
}
