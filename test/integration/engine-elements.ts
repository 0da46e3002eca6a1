import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fixtureElements } from './harness.ts'

/**
 * Writes elements of a test into `work`: path below the elements directory → text, executable when it starts with `#!`.
 *
 * @returns an ELEMENTS_PATH with them in front of the fixtures
 */
export async function withElements(work: string, files: Readonly<Record<string, string>>): Promise<string> {
  const elements = `${work}/elements`
  for (const [path, text] of Object.entries(files)) {
    const full = `${elements}/${path}`
    await mkdir(dirname(full), { recursive: true })
    await writeFile(full, text)
    await chmod(full, text.startsWith('#!') ? 0o755 : 0o644)
  }
  return `${elements}:${fixtureElements}`
}
