import { CofferError } from '../../lib/errors.ts'
import { distroFamily } from './distro-family.ts'

/** One element's service map: what was read from its file. */
export interface ServiceMap {
  readonly element: string
  readonly content: unknown
}

/**
 * The names of all services in a distribution: the distribution's, else its family's, else the default, else the service's
 * own (DIB contract §3.8).
 *
 * @throws CofferError `SERVICE_MAP_DUPLICATE` when two elements define a service, `SERVICE_MAP_INVALID`
 */
export function mergeServiceMaps(maps: readonly ServiceMap[], distro: string): Map<string, string> {
  const result = new Map<string, string>()
  const family = distroFamily(distro)
  for (const { element, content } of maps) {
    for (const [service, names] of Object.entries(mapping(content ?? {}, element))) {
      if (result.has(service)) {
        throw new CofferError(
          'SERVICE_MAP_DUPLICATE',
          `${service} already found in services list.  Check ${element} for duplicate service name.`,
          { hint: 'A service may be defined by one element only.' },
        )
      }
      const choices = mapping(names ?? {}, element)
      const name = choices[distro] ?? (family === undefined ? undefined : choices[family]) ?? choices.default
      result.set(service, name === undefined ? service : String(name))
    }
  }
  return result
}

/** The flat YAML file that `svc-map` reads in the image, sorted by service. */
export function serviceFile(services: ReadonlyMap<string, string>): string {
  if (services.size === 0) return '{}\n'
  return [...services]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([service, name]) => `${scalar(service)}: ${scalar(name)}\n`)
    .join('')
}

/** A YAML 1.1 scalar that every parser reads as text. */
function scalar(text: string): string {
  const plain =
    /^[A-Za-z][A-Za-z0-9@._-]*$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text)
  return plain ? text : JSON.stringify(text)
}

function mapping(value: unknown, element: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new CofferError('SERVICE_MAP_INVALID', `The svc-map file of ${element} must map services to names`, {
    hint: 'The readme of the svc-map element shows the format.',
  })
}
