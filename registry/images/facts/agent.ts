import type { FileNode } from '../content/node.ts'
import { findPath } from '../content/resolve.ts'
import { shellFile } from './shell-file.ts'

/** Versions of the guest agent in an image, and of the node that runs it. */
export interface AgentVersions {
  readonly agent?: string
  readonly node?: string
}

const AGENT = '/usr/lib/coffer/agent/agent.cjs'
const NODE = '/usr/lib/coffer/agent/node'
const VERSIONS = '/usr/lib/coffer/agent/versions'
/** More than a node binary has. */
const MAX_SCANNED = 512 * 1024 ** 2
/** Longer than what is looked for: it may lie across two pieces. */
const OVERLAP = 256

/**
 * The versions that element guest-agent notes in the image. Older images have no note: there the bundle itself carries the
 * version that it reports (`0.1.0+` and twelve digits of its digest), and node the address of its own headers.
 *
 * @returns undefined when there is no agent
 */
export function agentVersions(root: FileNode): AgentVersions | undefined {
  const agentFile = findPath(root, AGENT, { follow: true })?.node
  if (agentFile === undefined) return undefined
  const noted = shellFile(root, VERSIONS)
  const agent = noted?.get('AGENT') ?? scan(agentFile, /["'`](\d+\.\d+\.\d+\+[0-9a-f]{12})["'`]/)
  const node =
    noted?.get('NODE')?.replace(/^v/, '') ??
    scan(findPath(root, NODE, { follow: true })?.node, /\/node-v(\d+\.\d+\.\d+)-headers\.tar\.gz/)
  return { ...(agent === undefined ? {} : { agent }), ...(node === undefined ? {} : { node }) }
}

function scan(file: FileNode | undefined, pattern: RegExp): string | undefined {
  if (file?.type !== 'file' || file.size > MAX_SCANNED) return undefined
  let before = ''
  for (const piece of file.pieces()) {
    const text = before + piece.toString('latin1')
    const found = pattern.exec(text)?.[1]
    if (found !== undefined) return found
    before = text.slice(-OVERLAP)
  }
  return undefined
}
