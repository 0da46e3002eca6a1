// Writes docs/reference/datastores.md from the table of datastores and what elements know about their vendors.
import { readFileSync, writeFileSync } from 'node:fs'
import { globSync } from 'glob'
import { type Datastore, datastoreAliases, datastores } from '../builder/datastores/datastores.ts'
import { parseVendor, type Vendor, vendorVariable } from '../builder/datastores/vendor.ts'
import { inlineCode, markdownTable } from './markdown.ts'

const root = new URL('..', import.meta.url).pathname

/** Where the page stands in the repository. */
export const DATASTORES_PAGE = new URL('../docs/reference/datastores.md', import.meta.url)

/** The page: what `build-image <datastore>` starts from, and what you must bring. */
export function datastoresPage(): string {
  const vendors = readVendors()
  const all = [...datastores.values()]
  const aliases = Object.entries(datastoreAliases).map(
    ([alias, name]) => `${inlineCode(alias)} means ${inlineCode(name)}`,
  )
  return `<!-- Made by tools/datastores-reference.ts from builder/datastores/ and elements/*/datastore-vendor/. Change those, then
run make docs. -->
# Datastores

What \`build-image DATASTORE\` starts from. \`--release\`, \`--distribution\`, \`--element\` and \`--package\` replace or add. In names,
capitals do not matter, and ${aliases.join(', ')}.

${markdownTable(
  ['Datastore', 'What it is', 'Base system', 'Port', 'Packages', 'They come from'],
  all.map((datastore) => [
    `[${datastore.name}](../../elements/${datastore.name}/README.rst)`,
    datastore.description.replace(', from a package that you have', ''),
    `${datastore.distribution} ${datastore.release}`,
    String(datastore.port),
    datastore.packages.map(inlineCode).join(' '),
    origin(datastore),
  ]),
)}

## What you must bring

A *package* is what \`DATASTORE_PKG_LOCATION\` names: a path, or a \`file:\`, \`http:\` or \`https:\` URL. A URL on the network
needs the digest too, in \`DATASTORE_PKG_SHA256\`. Where there is a repository, a package is used in its place. All of it is
checked before the build starts.

${markdownTable(
  ['Datastore', 'Package may be', 'Must be set', 'May be set', 'Get the package from'],
  all.flatMap((datastore) => {
    const vendor = vendors.get(datastore.name)
    return vendor === undefined ? [] : [vendorRow(vendor)]
  }),
)}

\`DATASTORE_DOWNLOAD_OPTS\` has options for the download, in wget's spelling, and \`DATASTORE_KEEP_REPOSITORY=0\` takes a vendor's
repository out of the finished image. What each variable means is in the readme of
[datastore-package](../../elements/datastore-package/README.rst).
`
}

function origin({ vendorPackage }: Datastore): string {
  if (vendorPackage === undefined) return 'the distribution'
  return vendorPackage === 'optional' ? "the vendor's repository, or a package" : 'a package that you bring'
}

function vendorRow(vendor: Vendor): string[] {
  const name = (suffix: string) => inlineCode(vendorVariable(vendor, suffix))
  const key = [name('APT_KEY_FINGERPRINT'), name('APT_KEY_SHA256')]
  const must = [
    ...(vendor.licenceVariable === undefined ? [] : [inlineCode(`${vendor.licenceVariable}=yes`)]),
    ...(vendor.hasRepository ? [] : [inlineCode('DATASTORE_PKG_LOCATION')]),
    ...(vendor.hasRepository && vendor.aptKeyFingerprints.length === 0
      ? [`for the repository ${key.join(' or ')}, or a key file as ${name('APT_KEY')}`]
      : []),
  ]
  const may = vendor.hasRepository
    ? [
        inlineCode('DATASTORE_PKG_LOCATION'),
        name('PACKAGES'),
        name('APT_REPO'),
        ...(vendor.aptKeyFingerprints.length === 0 ? [] : [name('APT_KEY'), ...key]),
      ]
    : []
  return [
    vendor.name,
    vendor.formats.map((format) => (format === 'deb' ? 'a `.deb` file' : 'a tar archive')).join(', '),
    must.join('; '),
    may.join(' '),
    vendor.downloadPage,
  ]
}

function readVendors(): Map<string, Vendor> {
  return new Map(
    globSync('elements/*/datastore-vendor/*', { cwd: root }).map((file) => {
      const name = file.split('/').at(-1) ?? ''
      return [name, parseVendor(name, readFileSync(`${root}${file}`, 'utf8'))]
    }),
  )
}

if (import.meta.main) writeFileSync(DATASTORES_PAGE, datastoresPage())
