import { randomUUID } from 'node:crypto'
import { configError } from './errors.ts'
import type { BlockNode, MountNode } from './nodes.ts'
import { plugins } from './plugins/index.ts'
import type { PluginContext } from './plugins/types.ts'
import type { BlockDeviceParams, ConfigEntry } from './types.ts'

/** Everything that is made, each after what it stands on. */
export interface BlockDeviceGraph {
  /** In the order of creating. Undoing goes backwards. */
  readonly nodes: readonly BlockNode[]
}

/**
 * Builds the graph of a flattened configuration and sorts it into the order of creating (DIB contract §4.2, §4.3).
 *
 * The order is DIB's: all nodes that stand on nothing first, then all that stand on those only, and so on; within one
 * generation the order of the configuration.
 *
 * @throws CofferError `BLOCK_DEVICE_CONFIG_INVALID` with DIB's messages; `BLOCK_DEVICE_SIZE_INVALID`.
 */
export function buildGraph(flat: readonly ConfigEntry[], params: BlockDeviceParams): BlockDeviceGraph {
  const context: PluginContext = {
    params,
    identify: params.identify ?? (() => randomUUID()),
    labels: new Set(),
    mountPoints: new Set(),
  }
  const nodes = new Map<string, BlockNode>()
  for (const entry of flat) {
    for (const node of plugins[entry.plugin](entry.values, context)) {
      if (nodes.has(node.name)) throw configError(`Duplicate node name: ${node.name}`)
      nodes.set(node.name, node)
    }
  }
  return { nodes: sortByGeneration(nodes, edgesOf([...nodes.values()])) }
}

interface Edge {
  readonly from: string
  readonly to: string
}

function edgesOf(nodes: readonly BlockNode[]): Edge[] {
  const known = new Set(nodes.map((node) => node.name))
  const mounts = sortMounts(nodes.filter((node) => node.kind === 'mount'))
  const edges = nodes.flatMap((node) => [
    ...comesAfter(node, mounts).map((from) => ({ from, to: node.name })),
    ...(node.kind === 'lvm' ? node.pvs.map((pv) => ({ from: node.name, to: pv.name })) : []),
  ])
  for (const { from, to } of edges) {
    if (!known.has(from) || !known.has(to)) throw configError(`Edge not defined: ${from}->${to}`)
  }
  return edges
}

/** Names of the nodes that a node stands on or waits for. */
function comesAfter(node: BlockNode, mounts: readonly MountNode[]): string[] {
  switch (node.kind) {
    case 'image':
    case 'pv':
      return []
    case 'partition':
      return node.previous === undefined ? [node.base] : [node.base, node.previous]
    case 'vg':
      return [...node.base]
    case 'lv':
      return node.thinPool === undefined ? [node.base] : [node.base, node.thinPool]
    case 'lvm':
      return [...new Set(node.pvs.map((pv) => pv.base))]
    case 'mount': {
      const before = mounts[mounts.indexOf(node) - 1]
      return before === undefined ? [node.base] : [before.name, node.base]
    }
    default:
      return [node.base]
  }
}

/** Mounts in byte order of their mount points, which puts every parent before what is mounted inside it. */
export function sortMounts(mounts: readonly MountNode[]): MountNode[] {
  return [...mounts].sort((a, b) => Buffer.compare(Buffer.from(a.mountPoint), Buffer.from(b.mountPoint)))
}

function sortByGeneration(nodes: ReadonlyMap<string, BlockNode>, edges: readonly Edge[]): BlockNode[] {
  const waiting = new Map([...nodes.keys()].map((name) => [name, 0]))
  const unique = [...new Map(edges.map((edge) => [`${edge.from}\0${edge.to}`, edge])).values()]
  for (const { to } of unique) waiting.set(to, (waiting.get(to) ?? 0) + 1)
  const sorted: BlockNode[] = []
  let generation = [...waiting].filter(([, count]) => count === 0).map(([name]) => name)
  while (generation.length > 0) {
    const next: string[] = []
    for (const name of generation) {
      const node = nodes.get(name)
      if (node !== undefined) sorted.push(node)
      for (const { to } of unique.filter((edge) => edge.from === name)) {
        const left = (waiting.get(to) ?? 0) - 1
        waiting.set(to, left)
        if (left === 0) next.push(to)
      }
    }
    generation = next
  }
  if (sorted.length !== nodes.size) {
    const done = new Set(sorted.map((node) => node.name))
    const stuck = [...nodes.keys()].filter((name) => !done.has(name))
    throw configError(`The block device configuration goes round in a circle: ${stuck.join(', ')}`)
  }
  return sorted
}
