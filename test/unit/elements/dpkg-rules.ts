import { readFile } from 'node:fs/promises'

/** One line of a list that dpkg reads. */
interface Rule {
  readonly include: boolean
  readonly pattern: string
}

/** The rules of a file below `elements/`: lines `path-exclude=` and `path-include=` (dpkg(1)), also within a script. */
export async function dpkgRules(path: string): Promise<Rule[]> {
  const text = await readFile(new URL(`../../../elements/${path}`, import.meta.url), 'utf8')
  return [...text.matchAll(/^path-(include|exclude)=(.+)$/gm)].map(([, kind, pattern = '']) => ({
    include: kind === 'include',
    pattern,
  }))
}

/** Whether dpkg installs a path: the last rule that matches counts, and a star matches slashes too. */
export function installs(rules: readonly Rule[], path: string): boolean {
  const matches = ({ pattern }: Rule) =>
    new RegExp(`^${pattern.replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(path)
  return rules.findLast(matches)?.include ?? true
}
