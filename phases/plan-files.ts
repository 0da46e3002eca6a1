import { followHook, type HookTree } from './hook-tree.ts'
import type { HookFile } from './hooks.ts'
import type { InstallTypeLink } from './install-types.ts'
import { isEnvironmentFileName, isScriptName, sortEnvironmentFiles, sortScripts } from './order.ts'
import type { PhaseName } from './phases.ts'

/** A file that is in a phase directory but will not run, which DIB never mentions. */
export interface SkippedFile {
  readonly destination: string
  readonly element: string
  readonly source: string
  readonly reason: string
  /** True when it looks meant to run; false for data beside scripts. */
  readonly warning: boolean
}

const NOT_EXECUTABLE = 'not executable'
const BAD_NAME = 'its name has characters that run-parts refuses'
const NO_TARGET = 'a link to nothing in the hooks'

/** A script in its phase: the name it runs under and the file that is. */
export interface FoundScript {
  readonly phase: PhaseName
  readonly name: string
  readonly element: string
  readonly file: HookFile
  readonly installType: string | undefined
}

/**
 * The scripts a phase will run, in order, and what in its directory will not.
 *
 * @param tree the hooks with the links of element install-types
 * @param regex the caller's RUN_PARTS_REGEX
 */
export function scriptsOf(
  tree: HookTree,
  phase: PhaseName,
  links: readonly InstallTypeLink[],
  regex: string | undefined,
): { readonly run: FoundScript[]; readonly skipped: SkippedFile[] } {
  const scripts = new Map<string, FoundScript>()
  const skipped: SkippedFile[] = []
  for (const entry of entriesOf(tree, phase)) {
    const name = entry.destination.slice(phase.length + 1)
    const file = followHook(tree, entry.destination)
    if (file?.kind === 'directory') continue
    const reason = skipReason(name, file, regex)
    if (reason === undefined && file !== undefined) {
      const link = links.find((candidate) => candidate.destination === entry.destination)
      scripts.set(name, { phase, name, element: entry.element, file, installType: link?.type })
    } else if (reason !== undefined) {
      // A number in front says "run me in this place"; anything executable was meant to run, too.
      const warning = reason === BAD_NAME || /^\d+-/.test(name)
      const { destination, element, source } = entry
      skipped.push({ destination, element, source, reason, warning })
    }
  }
  const run = sortScripts([...scripts.keys()]).flatMap((name) => scripts.get(name) ?? [])
  return { run, skipped }
}

function skipReason(name: string, file: HookFile | undefined, regex: string | undefined): string | undefined {
  if (file === undefined) return NO_TARGET
  if ((file.mode & 0o111) === 0) return NOT_EXECUTABLE
  return isScriptName(name, regex) ? undefined : BAD_NAME
}

/** The environment files in the order in which they are sourced, and what in their directory is not. */
export function environmentFilesOf(tree: HookTree): {
  readonly files: { readonly name: string; readonly file: HookFile }[]
  readonly skipped: SkippedFile[]
} {
  const byName = new Map<string, HookFile>()
  const skipped: SkippedFile[] = []
  for (const entry of entriesOf(tree, 'environment.d')) {
    const name = entry.destination.slice('environment.d/'.length)
    const file = followHook(tree, entry.destination)
    if (file?.kind === 'file' && isEnvironmentFileName(name)) byName.set(name, file)
    else if (file?.kind !== 'directory') {
      const { destination, element, source } = entry
      const reason = file === undefined ? NO_TARGET : BAD_NAME
      skipped.push({ destination, element, source, reason, warning: true })
    }
  }
  const files = sortEnvironmentFiles([...byName.keys()]).flatMap((name) => {
    const file = byName.get(name)
    return file === undefined ? [] : [{ name, file }]
  })
  return { files, skipped }
}

function entriesOf(tree: HookTree, directory: string): HookFile[] {
  const inside = `${directory}/`
  return [...tree.values()].filter(
    ({ destination }) => destination.startsWith(inside) && !destination.slice(inside.length).includes('/'),
  )
}

/** The hooks as they will be once element install-types has made its links; a link takes the place of a file. */
export function withLinks(tree: Map<string, HookFile>, links: readonly InstallTypeLink[]): HookTree {
  for (const { destination, target } of links) {
    const file = tree.get(`install.d/${target}`)
    if (file === undefined || tree.get(destination)?.kind === 'directory') continue
    tree.set(destination, { ...file, destination, kind: 'symlink', target })
  }
  return tree
}
