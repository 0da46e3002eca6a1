import { randomUUID } from 'node:crypto'
import { constants, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { type Argv, type Environment, run } from '../../lib/exec.ts'
import { sha256 as sha256OfText } from '../../lib/hash.ts'
import type { Log } from '../../lib/log.ts'
import { removeTree } from '../../lib/tree.ts'
import { acceptDownload, type DownloadRules, findLocked, localFile } from '../lock/locked-downloads.ts'
import { type CurlSetting, curlConfig } from './download-options.ts'
import { checkDigest, checkPackageFile, checkSourceFiles, isKeyFile } from './package-file.ts'
import type { Location, PackageSource, RepositoryPlan } from './package-source.ts'
import { type Vendor, vendorVariable } from './vendor.ts'

/** What fetching needs besides the plan. */
export interface FetchContext {
  /** Verified downloads are kept below it, named by their checksum. */
  readonly cacheDirectory: string
  /** True: nothing may be downloaded; what the cache holds still serves. */
  readonly offline: boolean
  /** What relative paths start from. */
  readonly cwd: string
  readonly env: Environment
  /** What records and holds the build to a lock. */
  readonly rules: DownloadRules
  readonly log: Log
}

/**
 * Brings a verified package, or a verified repository key, into `target` for the scripts in the chroot:
 * `package` and `format` (deb or tar), or `apt-key.asc`/`apt-key.gpg` and `apt-repository` (given deb lines, may be
 * empty). `target` is made; it appears only when everything in it was verified.
 */
export async function provideSource(
  vendor: Vendor,
  source: PackageSource,
  target: string,
  context: FetchContext,
): Promise<void> {
  if (source.from === 'repository') await checkSourceFiles(vendor, source, context.cwd)
  const draft = `${target}.${randomUUID()}`
  await mkdir(draft, { recursive: true, mode: 0o755 })
  try {
    if (source.from === 'package') {
      const path = await fetchPackage(vendor, source.location, source.download, context)
      const copy = join(draft, 'package')
      await copyFile(path, copy, constants.COPYFILE_FICLONE)
      // The copy is what gets installed, so the copy is what is checked.
      const kind = await checkPackageFile(vendor, copy, source.location.sha256, path)
      await acceptDownload(context.rules, addressOf(source.location), copy)
      await writeFile(join(draft, 'format'), `${kind}\n`)
    } else {
      await provideRepository(vendor, source.repository, source.download, draft, context)
    }
    await rename(draft, target)
  } catch (error) {
    await removeTree(draft)
    throw error
  }
}

/** How records and locks name what was taken. */
function addressOf(location: Location): string {
  return location.kind === 'url' ? location.url.href : localFile(location.path)
}

/**
 * The local path of a package: the file itself, or a verified download in the cache.
 *
 * @throws CofferError `PACKAGE_DOWNLOAD_FAILED`, `PACKAGE_OFFLINE`, `PACKAGE_CHECKSUM_MISMATCH`, `PACKAGE_KIND_WRONG`.
 */
export async function fetchPackage(
  vendor: Vendor,
  location: Location,
  download: readonly CurlSetting[],
  context: FetchContext,
): Promise<string> {
  if (location.kind === 'file') {
    const path = resolve(context.cwd, location.path)
    await checkPackageFile(vendor, path, undefined)
    return path
  }
  const path = join(context.cacheDirectory, 'datastore-packages', location.sha256 ?? '')
  await fetchUrl(location.url, path, download, context, (file, shown) =>
    checkPackageFile(vendor, file, location.sha256, shown),
  )
  return path
}

/** Downloads a URL to `path` unless it is there and still verifies. A file that does not verify never gets that name. */
async function fetchUrl(
  url: URL,
  path: string,
  download: readonly CurlSetting[],
  context: FetchContext,
  verify: (path: string, shown: string) => Promise<unknown>,
): Promise<void> {
  const shown = `${url.origin}${url.pathname}`
  await mkdir(join(path, '..'), { recursive: true })
  const draft = `${path}.${randomUUID()}`
  try {
    const found = await findLocked(context.rules, url.href, draft, path)
    if (found === 'current' || context.rules.lock === undefined) {
      if (await isVerified(path, verify)) {
        context.log.info(`Using the verified download of ${shown}`)
        return
      }
      await rm(path, { force: true })
    }
    if (found !== 'placed') {
      if (context.offline) {
        throw new CofferError('PACKAGE_OFFLINE', `${shown} is not in the cache, and this build is offline`, {
          hint: 'Build once without --offline, or download it yourself and give its path.',
        })
      }
      context.log.info(`Downloading ${shown}`)
      await curl(url, draft, download, context, shown)
    }
    await verify(draft, shown)
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

async function isVerified(
  path: string,
  verify: (path: string, shown: string) => Promise<unknown>,
): Promise<boolean> {
  try {
    await verify(path, path)
    return true
  } catch (error) {
    if (error instanceof CofferError || isErrno(error, 'ENOENT')) return false
    throw error
  }
}

/**
 * curl reads its whole configuration from standard input, so that no secret is on a disk or in an argv. `--disable`
 * keeps ~/.curlrc out. Redirects stay with http(s), and never go from https back to http.
 */
async function curl(
  url: URL,
  path: string,
  download: readonly CurlSetting[],
  context: FetchContext,
  shown: string,
): Promise<void> {
  const byName = new Map<string, CurlSetting>()
  const defaults: readonly CurlSetting[] = [
    { name: 'connect-timeout', value: '30' },
    { name: 'speed-limit', value: '1' },
    { name: 'speed-time', value: '300' },
    { name: 'retry', value: '4' },
    { name: 'max-redirs', value: '20' },
  ]
  for (const entry of [...defaults, ...download]) {
    // Headers add up; of everything else the last one counts.
    byName.set(entry.name === 'header' ? `header ${byName.size}` : entry.name, entry)
  }
  const netrc = byName.delete('no-netrc-optional') ? [] : [{ name: 'netrc-optional' }]
  const config = curlConfig([
    { name: 'url', value: url.href },
    { name: 'output', value: path },
    { name: 'proto', value: '=http,https' },
    { name: 'proto-redir', value: url.protocol === 'https:' ? '=https' : '=http,https' },
    { name: 'location' },
    { name: 'fail' },
    { name: 'silent' },
    { name: 'show-error' },
    { name: 'globoff' },
    ...netrc,
    ...byName.values(),
  ])
  const command: Argv = ['curl', '--disable', '--config', '-']
  const outcome = await run(command, { env: context.env, cwd: context.cwd, input: config, check: false })
  if (outcome.exitCode === 0) return
  throw new CofferError(
    'PACKAGE_DOWNLOAD_FAILED',
    `${shown} could not be downloaded: ${outcome.stderr.trim().split('\n').at(-1) ?? ''}`,
    {
      hint: 'Check the URL, and the credentials and proxy the host wants (DATASTORE_DOWNLOAD_OPTS, ~/.netrc).',
      retryable: true,
    },
  )
}

async function provideRepository(
  vendor: Vendor,
  repository: RepositoryPlan,
  download: readonly CurlSetting[],
  directory: string,
  context: FetchContext,
): Promise<void> {
  const { key, fingerprints } = repository
  let path: string
  if (key.kind === 'file') {
    path = resolve(context.cwd, key.path)
    if (key.sha256 !== undefined) await checkDigest(path, key.sha256)
  } else {
    // The key that a lock names is for this build: others go on from their own copy.
    const suffix = context.rules.lock === undefined ? '' : '.locked'
    const name = `key-${sha256OfText(key.url.href)}${suffix}`
    path = join(context.cacheDirectory, 'datastore-packages', name)
    // A vendor's public key wants no login, so the credentials meant for the package stay out of this request.
    const settings = download.filter((entry) => !['user', 'header', 'cookie'].includes(entry.name))
    await fetchUrl(key.url, path, settings, context, async (file, shown) => {
      if (key.sha256 !== undefined) return await checkDigest(file, key.sha256, shown)
      return await exportKeys(vendor, file, fingerprints)
    })
  }
  await acceptDownload(context.rules, addressOf(key), path)
  const bytes = fingerprints.length > 0 ? await exportKeys(vendor, path, fingerprints) : await readFile(path)
  if (!isKeyFile(bytes)) {
    throw new CofferError('APT_KEY_INVALID', `${path} is not an OpenPGP public key`)
  }
  const armoured = bytes.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')
  await writeFile(join(directory, armoured ? 'apt-key.asc' : 'apt-key.gpg'), bytes)
  await writeFile(join(directory, 'apt-repository'), repository.lines.map((line) => `${line}\n`).join(''))
}

/**
 * The keys with the given primary fingerprints out of a key file, as a binary keyring: other keys in the file never
 * reach the image.
 *
 * @throws CofferError `APT_KEY_UNVERIFIED` when one of them is missing.
 */
async function exportKeys(vendor: Vendor, path: string, fingerprints: readonly string[]): Promise<Buffer> {
  const missing = (why: string) =>
    new CofferError(
      'APT_KEY_UNVERIFIED',
      `the signing key of the ${vendor.title} repository is not the expected one: ${why}`,
      {
        hint: `Set ${vendorVariable(vendor, 'APT_KEY_FINGERPRINT')} if the vendor has announced a new key.`,
      },
    )
  try {
    await readFile(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw missing('there is no key file')
    throw error
  }
  const home = await mkdtemp(join(tmpdir(), 'coffer-key-'))
  const gpg = (args: readonly string[], binary = false) =>
    run(['gpg', '--batch', '--no-options', '--quiet', '--no-autostart', '--homedir', home, ...args], {
      check: false,
      binary,
    })
  try {
    await gpg(['--import', '--', path])
    const listed = await gpg(['--with-colons', '--list-keys'])
    const primary = primaryFingerprints(listed.stdout)
    for (const wanted of fingerprints) {
      if (!primary.includes(wanted)) throw missing(`it lacks ${wanted}`)
    }
    return Buffer.from((await gpg(['--export', ...fingerprints], true)).stdoutBytes)
  } finally {
    await removeTree(home)
  }
}

/** Fingerprints of primary keys in gpg's colon listing: the first `fpr` record after each `pub` record. */
export function primaryFingerprints(listing: string): string[] {
  const found: string[] = []
  let primary = false
  for (const line of listing.split('\n')) {
    const fields = line.split(':')
    if (fields[0] === 'pub') primary = true
    if (fields[0] === 'fpr' && primary) {
      found.push(fields[9] ?? '')
      primary = false
    }
  }
  return found
}
