import { join } from 'node:path'
import { CofferError } from '../../../lib/errors.ts'
import type { DatastoreVersionRow } from '../../../registry/db/index.ts'
import type { ImageFormat, ImageManifest } from '../../../registry/images/manifest.ts'
import { recordDirectoryOf } from '../../../registry/images/record-directory.ts'
import { type ImageStore, openImageStore } from '../../../registry/images/store.ts'
import { imagesInUse } from '../../compute/qemu/images-in-use.ts'
import { drawTable } from '../trove/output/table.ts'
import { databaseExists } from './database.ts'
import { cofferSettings } from './settings.ts'

/** What the subcommands of `coffer image` work with. */
interface Images {
  readonly store: ImageStore
  /** Versions that refer to an image, by the image's id. */
  readonly versions: ReadonlyMap<string, readonly DatastoreVersionRow[]>
  /** Ids of images that servers run on. */
  readonly running: ReadonlySet<string>
}

const MEBIBYTE = 1024 ** 2

/** `coffer image list` */
export async function listImages(stateDir: string | undefined, json: boolean): Promise<number> {
  const { store, versions } = await images(stateDir)
  const all = await store.list()
  if (json) return print(JSON.stringify(all, undefined, 2))
  const rows = all.map(({ id, name, format, size, created }) => [
    id,
    name,
    format,
    (size / MEBIBYTE).toFixed(0),
    versionNames(versions.get(id)),
    created.slice(0, 19),
  ])
  return print(drawTable(['ID', 'Name', 'Format', 'MiB', 'Versions', 'Created'], rows))
}

/** `coffer image show`: the manifest, packages counted; whole with `--json`. */
export async function showImage(stateDir: string | undefined, word: string, json: boolean): Promise<number> {
  const { store, versions } = await images(stateDir)
  const manifest = await find(store, word)
  if (json) return print(JSON.stringify(manifest, undefined, 2))
  const { packages, elements, ...plain } = manifest
  const rows = Object.entries({
    ...plain,
    elements: elements?.join(' ') ?? '',
    packages: String(packages?.length ?? 0),
    versions: versionNames(versions.get(manifest.id)),
    file: (await store.locate(manifest.id)).path,
  })
  return print(
    drawTable(
      ['Property', 'Value'],
      rows.map(([name, value]) => [name, String(value)]).sort(([a = ''], [b = '']) => a.localeCompare(b)),
    ),
  )
}

/** `coffer image put`: an image from elsewhere, for `trove-manage datastore_version_update`. */
export async function putImage(
  stateDir: string | undefined,
  file: string,
  { name, format }: { readonly name?: string; readonly format?: ImageFormat },
): Promise<number> {
  const { store } = await images(stateDir)
  const { id } = await store.put(file, {
    ...(name === undefined ? {} : { name }),
    ...(format === undefined ? {} : { format }),
    recordDirectory: recordDirectoryOf(file),
  })
  return print(id)
}

/** `coffer image delete` @throws CofferError IMAGE_IN_USE */
export async function deleteImage(stateDir: string | undefined, word: string): Promise<number> {
  const { store, versions, running } = await images(stateDir)
  const { id, name } = await find(store, word)
  if (running.has(id)) {
    throw new CofferError('IMAGE_IN_USE', `Instances run on the image ${id} (${name})`, {
      hint: 'Their disks are layers over it. Delete them first.',
    })
  }
  const referring = versionNames(versions.get(id))
  if (referring !== '') {
    throw new CofferError('IMAGE_IN_USE', `The image ${id} is that of ${referring}`, {
      hint: 'Give the version another image first: build-image --register, or trove-manage datastore_version_update.',
    })
  }
  await store.delete(id)
  return print(`Image ${id} (${name}) deleted.`)
}

/** `coffer image prune`: deletes what neither a version nor an instance needs. */
export async function pruneImages(stateDir: string | undefined): Promise<number> {
  const { store, versions, running } = await images(stateDir)
  const gone = await store.prune(new Set([...versions.keys(), ...running]))
  const freed = gone.reduce((sum, { size }) => sum + size, 0)
  for (const { id, name } of gone) print(`Image ${id} (${name}) deleted.`)
  return print(`${gone.length} images deleted, ${(freed / MEBIBYTE).toFixed(0)} MiB freed.`)
}

async function images(directory: string | undefined): Promise<Images> {
  const { stateDir, databaseUrl } = await cofferSettings(directory)
  return {
    store: openImageStore(join(stateDir, 'images')),
    versions: await versionsByImage(databaseUrl),
    running: await imagesInUse(stateDir),
  }
}

async function versionsByImage(databaseUrl: string): Promise<Images['versions']> {
  if (!(await databaseExists(databaseUrl))) return new Map()
  const { openRegistryDatabase } = await import('../../../registry/db/index.ts')
  const database = await openRegistryDatabase(databaseUrl)
  try {
    return Map.groupBy(await database.datastores.allVersions(), ({ image_id }) => image_id)
  } finally {
    await database.close()
  }
}

async function find(store: ImageStore, word: string): Promise<ImageManifest> {
  const found = await store.find(word)
  if (found !== undefined) return found
  throw new CofferError('IMAGE_NOT_FOUND', `Image ${word} cannot be found.`, {
    hint: 'coffer image list shows what is registered.',
  })
}

const versionNames = (versions: readonly DatastoreVersionRow[] = []): string =>
  versions.map(({ datastore_name, name }) => `${datastore_name} ${name}`).join(', ')

function print(text: string): number {
  process.stdout.write(`${text}\n`)
  return 0
}
