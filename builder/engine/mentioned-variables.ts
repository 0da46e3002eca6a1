/** Names that texts may use for variables → the variables that they stand for. */
export type Aliases = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Finds the variables that environment files make of others.
 *
 * A line that assigns makes its own variables depend on what it mentions; a line that asks (`if`, `case`, …) or assigns
 * nothing makes all variables of the file depend on it.
 *
 * @param files texts of the environment files
 * @param known names of the variables that are looked for, and others that stand for one of them
 */
export function aliasesOf(
  files: readonly string[],
  known: Readonly<Record<string, readonly string[]>>,
): Aliases {
  const aliases = new Map(Object.entries(known).map(([name, standsFor]) => [name, new Set(standsFor)]))
  // Files may use what others have made, in any order.
  for (let before = -1; before !== weight(aliases); ) {
    before = weight(aliases)
    for (const text of files) {
      const lines = text.split('\n').filter((line) => !/^\s*#/.test(line))
      for (const line of lines) {
        const mentioned = mentionedIn(line, aliases)
        if (mentioned.length === 0) continue
        const assigned = ASKS.test(line) ? [] : assignedIn(line)
        for (const name of assigned.length > 0 ? assigned : assignedIn(lines.join('\n'))) {
          aliases.set(name, new Set([...(aliases.get(name) ?? []), ...mentioned]))
        }
      }
    }
  }
  return aliases
}

const ASKS = /(^|[\s;])(if|elif|case|while|until|for)\s/

/** The variables that a text mentions, by their own names or by others; sorted. */
export function mentionedIn(text: string, aliases: Aliases): string[] {
  const words = new Set(text.match(/[A-Za-z_]\w*/g))
  const mentioned = [...aliases]
    .filter(([name]) => words.has(name))
    .flatMap(([, originals]) => [...originals])
  return [...new Set(mentioned)].sort()
}

function assignedIn(text: string): string[] {
  return [...text.matchAll(/(?:^|[\s;&|({])([A-Za-z_]\w*)\+?=/gm)].map(([, name = '']) => name)
}

function weight(aliases: Aliases): number {
  return [...aliases.values()].reduce((sum, originals) => sum + originals.size, aliases.size)
}
