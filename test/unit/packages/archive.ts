import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { sha256 } from '../../../lib/hash.ts'
import type { Origin } from './origin.ts'
import { origin } from './setup.ts'

/** A package as an archive of a test publishes it. */
export interface ArchivePackage {
  readonly name: string
  readonly version: string
  /** Default `all`. */
  readonly architecture?: string
  /** The file's bytes; default: a text that names it. */
  readonly content?: Uint8Array
}

/** What {@link publish} makes of a suite. */
export interface Suite {
  readonly date: Date
  readonly validUntil?: Date
  readonly notAutomatic?: boolean
  /** Packages by component. */
  readonly components: Readonly<Record<string, readonly ArchivePackage[]>>
  /** Makes the InRelease of a Release; default: unsigned. */
  readonly sign?: (release: string) => Promise<string>
}

/** Path of a package's file below the archive. */
export function poolPath({ name, version, architecture = 'all' }: ArchivePackage): string {
  return `pool/main/${name[0]}/${name}/${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`
}

/**
 * Publishes a suite in the directory of an archive, as an archive does: the older Release file and indexes are gone
 * afterwards, packages stay in the pool.
 */
export async function publish(directory: string, name: string, suite: Suite): Promise<void> {
  const root = join(directory, 'dists', name)
  await rm(root, { recursive: true, force: true })
  const listed: string[] = []
  for (const [component, packages] of Object.entries(suite.components)) {
    const stanzas: string[] = []
    for (const item of packages) {
      const { architecture = 'all', version, content = Buffer.from(`${item.name} ${version}`) } = item
      await put(join(directory, poolPath(item)), content)
      stanzas.push(
        `Package: ${item.name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: T <t@example.org>\nDescription: of a test\nFilename: ${poolPath(item)}\nSize: ${content.length}\nSHA256: ${sha256(content)}\n`,
      )
    }
    const plain = stanzas.join('\n')
    const index = gzipSync(plain)
    const place = `${component}/binary-amd64`
    await put(join(root, place, 'Packages.gz'), index)
    await put(join(root, place, 'by-hash/SHA256', sha256(index)), index)
    // As real archives do, the plain text is listed too, though it is not there.
    listed.push(` ${sha256(plain)} ${Buffer.byteLength(plain)} ${place}/Packages`)
    listed.push(` ${sha256(index)} ${index.length} ${place}/Packages.gz`)
  }
  const release = `Origin: Test
Label: Test
Suite: ${name}
Codename: ${name}
Date: ${suite.date.toUTCString()}
${suite.validUntil === undefined ? '' : `Valid-Until: ${suite.validUntil.toUTCString()}\n`}${suite.notAutomatic === true ? 'NotAutomatic: yes\n' : ''}Acquire-By-Hash: yes
Architectures: amd64
Components: ${Object.keys(suite.components).join(' ')}
SHA256:
${listed.join('\n')}
`
  await put(join(root, 'InRelease'), (await suite.sign?.(release)) ?? release)
}

/** Serves an archive with validators, as a web server does. */
export async function serveArchive(directory: string): Promise<Origin> {
  return await origin(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)
    const body = await readFile(join(directory, path)).catch(() => undefined)
    if (body === undefined) return response.writeHead(404).end()
    const etag = `"${sha256(body)}"`
    if (request.headers['if-none-match'] === etag) return response.writeHead(304).end()
    response.writeHead(200, { etag, 'content-length': body.length }).end(body)
  })
}

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
