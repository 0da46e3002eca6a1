import { stat } from 'node:fs/promises'
import { globSync } from 'glob'
import { digestFile, sha256 } from '../../lib/hash.ts'

const root = new URL('../..', import.meta.url).pathname

/** Things of the builder's own that a script may read (`# cache: input NAME`), and how to tell one from another. */
const named: Readonly<Record<string, () => Promise<string>>> = {
  /** The guest agent is bundled from these. */
  agent: () =>
    digestOf([
      'runtime/{guestagent,model,rpc,transport}/**/*.ts',
      'lib/**/*.ts',
      'tools/bundle-agent.ts',
      'package-lock.json',
    ]),
  /** The node that runs this program, which images of the guest agent get as well. */
  node: async () =>
    `${process.version} ${process.arch} ${(await stat(process.env.COFFER_AGENT_NODE || process.execPath)).size}`,
}

/** What every script may call: programs on its PATH, and what they are made of. */
export function builderDigest(): Promise<string> {
  return digestOf(['builder/{plumbing,libexec,lib,bin,datastores,packages}/**/*', 'lib/*.ts'])
}

/**
 * The value of a named input; undefined when no such thing is known, as an element for a newer builder may name one.
 */
export async function namedInput(name: string): Promise<string | undefined> {
  return await named[name]?.()
}

async function digestOf(patterns: readonly string[]): Promise<string> {
  const files = globSync(patterns as string[], { cwd: root, nodir: true }).sort()
  const digests = await Promise.all(
    files.map(async (file) => `${file} ${await digestFile(`${root}${file}`)}`),
  )
  return sha256(digests.join('\n'))
}
