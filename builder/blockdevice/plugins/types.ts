import type { BlockNode } from '../nodes.ts'
import type { BlockDeviceParams, EntryValues } from '../types.ts'

/** What plugins share while one graph is built. */
export interface PluginContext {
  readonly params: BlockDeviceParams
  /** A UUID for a named thing. */
  readonly identify: (what: string) => string
  /** Labels given so far: they must be unique, because fstab finds file systems by them. */
  readonly labels: Set<string>
  /** Mount points given so far. */
  readonly mountPoints: Set<string>
}

/**
 * Turns one flattened configuration entry into nodes of the graph.
 *
 * A plugin MUST check its values and throw `BLOCK_DEVICE_CONFIG_INVALID` with DIB's message where DIB has one. It MUST NOT
 * touch the disk. It MUST NOT look at other entries: edges between nodes are checked when the graph is complete.
 */
export type Plugin = (values: EntryValues, context: PluginContext) => BlockNode[]
