import { createHmac } from 'node:crypto'

/**
 * The transport secret of a control process, made from the key that all of them can read (`secret.key`): the hub and the
 * process need no further file to agree.
 *
 * @param name as in the identity `control:<name>`
 */
export function controlSecret(key: Buffer, name: string): string {
  return createHmac('sha256', key).update(`transport control:${name}`).digest('hex')
}
