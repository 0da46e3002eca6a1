import { basename } from 'node:path'
import { sha256 } from '../../lib/hash.ts'
import type { PreparedBuild } from './prepare.ts'

/**
 * What the identities on an image's disk are made from: its name, its elements and their files, the layout, and what was
 * asked for on the command line. The caller's environment is left out, so that another person's build gets the same ones.
 * They need not change with every change of the content: copies of an image share them too.
 */
export function imageSeed(prepared: PreparedBuild): string {
  const { request, elements, hooks, blockDevice } = prepared
  return sha256(
    JSON.stringify([
      'coffer image 1',
      basename(request.imageName),
      request.arch,
      elements.map(({ name }) => name),
      hooks.map(({ destination, kind, mode, digest }) => [destination, kind, mode, digest]),
      blockDevice.yaml,
      request.packages,
      request.installType,
      request.sourceDate ?? null,
    ]),
  )
}
