import type { PluginName } from '../types.ts'
import { fstab } from './fstab.ts'
import { localLoop } from './local-loop.ts'
import { lvm } from './lvm.ts'
import { mkfs } from './mkfs.ts'
import { mount } from './mount.ts'
import { partitioning } from './partitioning.ts'
import type { Plugin } from './types.ts'

/** Every plugin by the key it has in a configuration. */
export const plugins: Readonly<Record<PluginName, Plugin>> = {
  local_loop: localLoop,
  partitioning,
  lvm,
  mkfs,
  mount,
  fstab,
}
