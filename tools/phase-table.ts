import { writeFile } from 'node:fs/promises'
import { callerVariables, exportedVariables } from '../phases/environment.ts'
import { breakNames, phases } from '../phases/phases.ts'

/** Where the reference page stands in the repository. */
export const PHASE_PAGE = new URL('../docs/reference/phases.md', import.meta.url)

/** The reference page of the phases, made from `phases/`. Run `node tools/phase-table.ts` to write it. */
export function phasePage(): string {
  return `<!-- Made by tools/phase-table.ts from phases/. Change those, then run it again. -->
# Phases

A build runs ten phases. In each, the scripts of all elements run together, ordered by their leading number. The first
script that fails ends the build with its own exit status.

${table(
  ['phase', 'where', 'what elements use it for', 'before it starts'],
  phases.map((phase) => [`\`${phase.name}\``, phase.side, phase.purpose, phase.reliesOn]),
)}

*Outside* is the host: scripts start in the caller's directory and see the tree at \`TMP_MOUNT_PATH\`. *Inside* is a chroot in
the tree: scripts start in \`/\` as root, and find all hooks at \`/tmp/in_target.d\`. Packages given with \`-p\` are installed
after \`install.d\`.

## What a script finds

${table(
  ['phase', 'mounted in the tree', '`TARGET_ROOT`', '`IMAGE_BLOCK_DEVICE(S)`', 'breaks'],
  phases.map((phase) => {
    const { before, after } = breakNames(phase)
    return [
      `\`${phase.name}\``,
      phase.mounted,
      phase.targetRoot ? 'set' : '',
      phase.blockDevices ? 'set' : '',
      `\`${before}\` \`${after}\``,
    ]
  }),
)}

\`break=NAME[,NAME...]\` in the environment opens a shell at a break; \`break=after-error\` opens one where a script failed.
A disk written without loop devices has no block device, and then \`IMAGE_BLOCK_DEVICE\` is not set at all.

## Which scripts run, and in which order

- Regular files, or links to such, right inside the phase's directory, which are executable and whose names have letters,
  digits, \`_\` and \`-\` only (\`RUN_PARTS_REGEX\` replaces that rule). \`50-x.sh\` does not run.
- By leading number: \`-5-x\`, then names without a number, then \`9-z\`, \`10-a\`, \`100-y\`. Equal numbers go byte by byte.
- Files of \`environment.d\` are sourced before every phase, outside and inside, in byte order: \`10-e\`, \`100-a\`, \`11-b\`, \`9-c\`.
  They need not be executable, and their names may have dots.

## Variables that every phase has

${code(exportedVariables)}, and the caller's whole environment. \`DIB_IMAGE_SIZE\` is in GiB as the caller gave it, and in KiB from
\`block-device.d\` on. Exported functions, \`PS4\`, \`TMPDIR\` and \`VIRTUAL_ENV\` stay outside the chroot.

## Variables a caller may set

${code(callerVariables)}, and those of the elements in use.
`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(' ')
}

if (import.meta.main) await writeFile(PHASE_PAGE, phasePage())
