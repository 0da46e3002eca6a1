import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { CofferError, isErrno } from '../../../lib/errors.ts'
import type { Flavor } from '../../model/flavor.ts'

/** Nova's flavors of the book's time, those that a database can run in. */
export const defaultFlavors: readonly Flavor[] = [
  { id: '1', name: 'm1.tiny', ram: 512, vcpus: 1, disk: 1, ephemeral: 0 },
  { id: '2', name: 'm1.small', ram: 2048, vcpus: 1, disk: 20, ephemeral: 0 },
  { id: '3', name: 'm1.medium', ram: 4096, vcpus: 2, disk: 40, ephemeral: 0 },
  { id: '4', name: 'm1.large', ram: 8192, vcpus: 4, disk: 80, ephemeral: 0 },
  { id: '5', name: 'm1.xlarge', ram: 16384, vcpus: 8, disk: 160, ephemeral: 0 },
]

/**
 * The flavors of a machine: those of `flavors.yaml` in the state directory, a list of maps with id, name, ram (MiB) and
 * vcpus, and perhaps disk (GiB); without the file, {@link defaultFlavors}. The file is read anew each time.
 *
 * @throws CofferError `FLAVORS_INVALID`
 */
export async function readFlavors(file: string): Promise<readonly Flavor[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return defaultFlavors
    throw error
  }
  return parseFlavors(text, file)
}

/** Reads the text of a flavors file. @throws CofferError `FLAVORS_INVALID` */
export function parseFlavors(text: string, file: string): readonly Flavor[] {
  let value: unknown
  try {
    value = parse(text)
  } catch (cause) {
    throw invalid(file, 'it is not YAML', cause)
  }
  if (!Array.isArray(value) || value.length === 0) throw invalid(file, 'it is not a list of flavors')
  const flavors = value.map((entry, n) => flavorOf(entry, n, file))
  for (const key of ['id', 'name'] as const) {
    const seen = new Set(flavors.map((flavor) => flavor[key]))
    if (seen.size < flavors.length) throw invalid(file, `two flavors have the same ${key}`)
  }
  return flavors
}

function flavorOf(entry: unknown, n: number, file: string): Flavor {
  const fields = (typeof entry === 'object' && entry !== null ? entry : {}) as Readonly<
    Record<string, unknown>
  >
  const number = (key: string, least: number, fallback?: number) => {
    const value = fields[key] ?? fallback
    if (typeof value === 'number' && Number.isInteger(value) && value >= least) return value
    throw invalid(file, `flavor ${n + 1} needs ${key}, a whole number from ${least}`)
  }
  const { id, name } = fields
  if ((typeof id !== 'string' && typeof id !== 'number') || String(id) === '') {
    throw invalid(file, `flavor ${n + 1} needs an id`)
  }
  if (typeof name !== 'string' || name === '') throw invalid(file, `flavor ${n + 1} needs a name`)
  return {
    id: String(id),
    name,
    ram: number('ram', 16),
    vcpus: number('vcpus', 1),
    disk: number('disk', 0, 0),
    ephemeral: number('ephemeral', 0, 0),
  }
}

function invalid(file: string, why: string, cause?: unknown): CofferError {
  return new CofferError('FLAVORS_INVALID', `${file} cannot be used: ${why}`, {
    hint: 'A flavor looks so: {id: 6, name: db.small, ram: 1024, vcpus: 1, disk: 10}',
    cause,
  })
}
