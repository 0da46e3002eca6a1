import { dirname } from 'node:path'
import { exists } from '../../../../lib/path-kind.ts'

/** The directory itself, or the nearest one above it that exists. */
export async function nearest(directory: string): Promise<string> {
  if ((await exists(directory)) || dirname(directory) === directory) return directory
  return nearest(dirname(directory))
}
