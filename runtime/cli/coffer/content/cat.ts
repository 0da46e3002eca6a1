import { CofferError, describeError } from '../../../../lib/errors.ts'
import type { FileNode } from '../../../../registry/images/content/node.ts'
import { resolvePath } from '../../../../registry/images/content/resolve.ts'
import { type ContentOptions, withImage } from './open-word.ts'
import { write } from './print.ts'

/** `coffer image cat`: as cat(1), goes on after a file that cannot be shown, and tells it with the exit status. */
export function cat(word: string, paths: readonly string[], options: ContentOptions): Promise<number> {
  return withImage(word, options, async ({ image }) => {
    const root = image.root()
    let status = 0
    for (const path of paths) {
      try {
        for (const piece of fileAt(root, path).pieces()) await write(piece)
      } catch (error) {
        if (!(error instanceof CofferError)) throw error
        process.stderr.write(`${describeError(error)}\n`)
        status = 1
      }
    }
    return status
  })
}

function fileAt(root: FileNode, path: string): FileNode {
  const { node } = resolvePath(root, path, { follow: true })
  if (node.type === 'file') return node
  throw new CofferError('IMAGE_PATH_NO_FILE', `${path} is not a file but a ${node.type}`, {
    hint:
      node.type === 'directory' ? 'coffer image ls shows what is in it.' : 'It has no bytes in the image.',
  })
}
