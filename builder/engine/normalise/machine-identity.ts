import { rewriteInTree } from './tree-files.ts'
import type { NormaliseRule } from './types.ts'

const FIRST = '/etc/machine-id'
const OF_DBUS = '/var/lib/dbus/machine-id'

/** The machine's id (machine-id(5)): an empty file, or none for dbus, is filled when the machine starts. */
export const machineIdentity: NormaliseRule = {
  name: 'machine-identity',
  paths: [FIRST, OF_DBUS],
  does: 'are emptied, the second deleted, when they hold an id; the word `uninitialized` stays',
  why: 'systemd and dbus make an id when they are installed, the same for all machines of the image. Each makes one at its start.',
  apply: ({ tree }) =>
    rewriteInTree(tree, [FIRST, OF_DBUS], (text, path) =>
      !/^[0-9a-f]{32}\n?$/.test(text) ? text : path === OF_DBUS ? undefined : '',
    ),
}
