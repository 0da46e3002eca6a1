import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What element guest-agent notes in the image of the agent and its node. Nothing for a tree without one. */
export async function agentVersions(tree: string): Promise<{ agentVersion?: string; nodeVersion?: string }> {
  const text = await readFile(join(tree, 'usr/lib/coffer/agent/versions'), 'utf8').catch(() => '')
  const agentVersion = /^AGENT=(\S+)$/m.exec(text)?.[1]
  const nodeVersion = /^NODE=v?(\S+)$/m.exec(text)?.[1]
  return {
    ...(agentVersion === undefined ? {} : { agentVersion }),
    ...(nodeVersion === undefined ? {} : { nodeVersion }),
  }
}
