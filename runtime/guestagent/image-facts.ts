import { readFile } from 'node:fs/promises'
import { CofferError } from '../../lib/errors.ts'

/** What the datastore's element says of its engine (element database-guest). */
export interface ImageFacts {
  readonly name: string
  /** The engine's systemd unit. */
  readonly unit: string
}

const FILE = '/usr/lib/coffer/datastore'

/** @throws CofferError `IMAGE_FACTS_MISSING` */
export async function readImageFacts(path: string = FILE): Promise<ImageFacts> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const value = (name: string) => new RegExp(`^${name}=(\\S+)$`, 'm').exec(text)?.[1]
  const name = value('NAME')
  const unit = value('UNIT')
  if (name !== undefined && unit !== undefined) return { name, unit }
  throw new CofferError('IMAGE_FACTS_MISSING', `${path} names no engine and unit.`, {
    hint: "The datastore's element writes NAME= and UNIT= there; see element database-guest.",
  })
}
