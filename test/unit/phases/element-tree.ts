import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { removeTree } from '../../../lib/tree.ts'
import { indexElements } from '../../../phases/elements.ts'
import { planHooks } from '../../../phases/hooks.ts'
import { makePlan, type Plan, type PlanInput } from '../../../phases/plan.ts'
import { resolveElements } from '../../../phases/resolve.ts'

/** A file's text (executable when it starts with a shebang), text with a mode, or where a link points. */
export type TreeFile = string | { readonly text: string; readonly mode: number } | { readonly link: string }

export type Tree = Readonly<Record<string, TreeFile>>

/** A new directory that holds the given files and is removed after the test. A path that ends in `/` is a directory. */
export async function makeTree(files: Tree): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'coffer-phases-'))
  onTestFinished(() => removeTree(root))
  for (const [path, file] of Object.entries(files)) {
    const full = join(root, path)
    await mkdir(path.endsWith('/') ? full : dirname(full), { recursive: true })
    if (path.endsWith('/')) continue
    if (typeof file !== 'string' && 'link' in file) {
      await symlink(file.link, full)
    } else {
      const text = typeof file === 'string' ? file : file.text
      await writeFile(full, text)
      await chmod(full, typeof file !== 'string' ? file.mode : text.startsWith('#!') ? 0o755 : 0o644)
    }
  }
  return root
}

/** The element every build needs. */
export const OS = { 'os/element-provides': 'operating-system\n' } as const

/** The plan of a build of the named elements of a tree, which gets an operating system added. */
export async function planOf(
  files: Tree,
  named: readonly string[],
  input: Partial<PlanInput> = {},
): Promise<Plan> {
  const root = await makeTree({ ...OS, ...files })
  const elements = resolveElements(await indexElements([root]), ['os', ...named])
  return makePlan({ elements, hooks: await planHooks(elements), environment: {}, arch: 'amd64', ...input })
}
