import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { checkSourceFiles } from './package-file.ts'
import { type PackageSource, planPackageSource } from './package-source.ts'
import { parseVendor, type Vendor } from './vendor.ts'

/** Where the elements of our own datastores live. */
const ownElements = new URL('../../elements', import.meta.url).pathname

/** An element of the build, as far as its vendor facts are concerned. */
export interface VendorElement {
  /** Element name. */
  readonly name: string
  /** Its directory. */
  readonly path: string
}

/**
 * Everything about vendor packages that can be known before a build starts: run it before any work. Elements without
 * a `datastore-vendor` directory are fine and give nothing.
 *
 * @param cwd what relative paths in the environment start from.
 * @returns what each vendor's datastore will be installed from.
 * @throws CofferError of {@link planPackageSource} or {@link checkSourceFiles}; `PACKAGE_LOCATION_AMBIGUOUS` when one
 *   DATASTORE_PKG_LOCATION would serve two vendors.
 */
export async function checkDatastorePackages(
  elements: readonly VendorElement[],
  env: Environment,
  cwd: string,
): Promise<Map<string, PackageSource>> {
  const vendors = (await Promise.all(elements.map(vendorsOf))).flat()
  const sources = new Map<string, PackageSource>()
  for (const vendor of vendors) {
    const source = planPackageSource(vendor, env)
    await checkSourceFiles(vendor, source, cwd)
    sources.set(vendor.name, source)
  }
  const packaged = [...sources].filter(([, source]) => source.from === 'package').map(([name]) => name)
  if (packaged.length > 1) {
    throw new CofferError(
      'PACKAGE_LOCATION_AMBIGUOUS',
      `DATASTORE_PKG_LOCATION names one package, but ${packaged.join(' and ')} would both be installed from it`,
      { hint: 'Build one image for each datastore.' },
    )
  }
  return sources
}

/**
 * {@link checkDatastorePackages} for the one datastore that build-image was asked for, by its element: the first of that
 * name in ELEMENTS_PATH, else ours. A datastore from the distribution's own packages needs no package and passes.
 */
export async function checkPackageLocation(
  datastore: { readonly name: string },
  env: Environment,
  cwd: string = process.cwd(),
): Promise<void> {
  const directories = [...(env.ELEMENTS_PATH ?? '').split(':').filter((entry) => entry !== ''), ownElements]
  for (const directory of directories) {
    const path = join(directory, datastore.name)
    const found = await readdir(path).catch(() => undefined)
    if (found === undefined) continue
    await checkDatastorePackages([{ name: datastore.name, path }], env, cwd)
    return
  }
}

async function vendorsOf(element: VendorElement): Promise<Vendor[]> {
  const directory = join(element.path, 'datastore-vendor')
  try {
    const names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort()
    return await Promise.all(
      names.map(async (name) => parseVendor(name, await readFile(join(directory, name), 'utf8'))),
    )
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return []
    throw error
  }
}
