import { existsSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { removeTree } from '../../lib/tree.ts'
import { root, tool } from './harness.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly sharedImages: string
  }
}

/**
 * Makes a directory for the images of this run, so that each datastore's is built once for all test files. With
 * COFFER_E2E_IMAGES, images stay in the directory it names, for whoever runs one file again and again.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kept = process.env.COFFER_E2E_IMAGES
  const directory = kept ?? (await mkdtemp(join(tmpdir(), 'coffer-e2e-images.')))
  project.provide('sharedImages', directory)
  return async () => {
    if (kept === undefined) await removeTree(directory)
  }
}

export interface BuiltImage {
  /** Path without suffix: `.qcow2`, `.tar` and `.log` are there. */
  readonly path: string
  /** What build-image printed. */
  readonly output: string
}

/** The state directory in which the built images are registered. */
export const registeredImages = (): string => join(inject('sharedImages'), 'state')

/** What a machine listens on that runs databases of its own: packages look, and nothing of it may land in an image. */
const PORTS = [3306, 5432, 6379]

async function onBusyPorts<T>(action: () => Promise<T>): Promise<T> {
  const servers = PORTS.map((port) =>
    createServer()
      // Whoever listens there already does as well.
      .on('error', () => undefined)
      .listen(port, '127.0.0.1'),
  )
  try {
    return await action()
  } finally {
    for (const server of servers) server.close()
  }
}

/** The image of a datastore, boot-checked and registered: built now, unless this run has it already. */
export async function builtImage(datastore: string): Promise<BuiltImage> {
  const directory = inject('sharedImages')
  const path = join(directory, datastore)
  const record = `${path}.output`
  if (existsSync(record)) return { path, output: await readFile(record, 'utf8') }
  const { exitCode, output } = await onBusyPorts(() =>
    tool(
      directory,
      [
        `${root}builder/bin/build-image`,
        datastore,
        ...['-t', 'qcow2,tar'],
        ...['-o', path],
        '--boot-check',
        '--register',
      ],
      { COFFER_STATE_DIR: registeredImages() },
    ),
  )
  expect(exitCode, output).toBe(0)
  await writeFile(record, output)
  return { path, output }
}
