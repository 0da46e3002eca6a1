import type { Environment } from '../lib/exec.ts'
import type { HookFile } from './hooks.ts'
import { compareBytes } from './order.ts'

/** A link that element install-types makes in `install.d` while extra-data.d runs. */
export interface InstallTypeLink {
  /** Path in the hooks directory. */
  readonly destination: string
  /** The link's text, relative to `install.d`. */
  readonly target: string
  /** Element of the file it points to. */
  readonly element: string
  /** The install type that chose it. */
  readonly type: string
}

const VARIABLE = 'DIB_INSTALLTYPE_'

/**
 * The links element install-types will make (DIB contract §3.11): everything in `install.d/<prefix>-<type>-install`,
 * where the type is that of `DIB_INSTALLTYPE_<prefix>` (hyphens as underscores) or else `DIB_DEFAULT_INSTALLTYPE`.
 *
 * Environment files may still set such a variable when the build runs; the plan cannot know.
 *
 * @returns in byte order of the directories; of two links of one name the later stands
 */
export function installTypeLinks(
  hookFiles: readonly HookFile[],
  environment: Environment,
): InstallTypeLink[] {
  const chosen = Object.entries(environment)
    .filter(([name, value]) => name.startsWith(VARIABLE) && value !== undefined)
    .map(([name, value]) => ({ prefix: name.slice(VARIABLE.length).replaceAll('_', '-'), type: value ?? '' }))
  const defaultType = environment.DIB_DEFAULT_INSTALLTYPE || 'source'
  const links = new Map<string, InstallTypeLink>()
  for (const directory of [...hookFiles].sort((a, b) => compareBytes(a.destination, b.destination))) {
    const name = /^install\.d\/([^/]+)-install$/.exec(directory.destination)?.[1]
    if (directory.kind !== 'directory' || name === undefined) continue
    const explicit = chosen.find(({ prefix, type }) => name === `${prefix}-${type}`)
    const byDefault = name.endsWith(`-${defaultType}`)
    const prefix = name.slice(0, -defaultType.length - 1)
    if (explicit === undefined && !(byDefault && !chosen.some((choice) => choice.prefix === prefix))) continue
    for (const link of linksInto(hookFiles, directory, explicit?.type ?? defaultType)) {
      links.set(link.destination, link)
    }
  }
  return [...links.values()]
}

function linksInto(files: readonly HookFile[], directory: HookFile, type: string): InstallTypeLink[] {
  const inside = `${directory.destination}/`
  return files
    .filter((file) => file.destination.startsWith(inside))
    .filter((file) => /^[^./][^/]*$/.test(file.destination.slice(inside.length)))
    .map((file) => ({
      destination: `install.d/${file.destination.slice(inside.length)}`,
      target: file.destination.slice('install.d/'.length),
      element: file.element,
      type,
    }))
}
