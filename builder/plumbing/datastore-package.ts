import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CofferError, describeError } from '../../lib/errors.ts'
import { lineLog } from '../../lib/log.ts'
import { provideSource } from '../datastores/package-fetch.ts'
import { planPackageSource } from '../datastores/package-source.ts'
import { parseVendor } from '../datastores/vendor.ts'
import { downloadRules } from '../lock/locked-downloads.ts'

const USAGE = 'Usage: datastore-package NAME VENDOR_FILE TARGET_DIRECTORY'

/**
 * Called by element `datastore-package` on the host: fetches and verifies what a vendor's datastore is installed from
 * and puts it into a directory of the hooks, where the scripts in the chroot find it. Everything else comes from the
 * environment (DATASTORE_PKG_LOCATION, DATASTORE_PKG_SHA256, DATASTORE_DOWNLOAD_OPTS, <NAME>_APT_*, DIB_IMAGE_CACHE,
 * DIB_OFFLINE).
 *
 * @returns the exit status.
 */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const log = lineLog((line) => process.stderr.write(`${line}\n`))
  const [name, vendorFile, target, ...rest] = args
  if (name === undefined || vendorFile === undefined || target === undefined || rest.length > 0) {
    log.error(USAGE)
    return 2
  }
  try {
    const vendor = parseVendor(name, await readFile(vendorFile, 'utf8'))
    await provideSource(vendor, planPackageSource(vendor, env), target, {
      cacheDirectory: env.DIB_IMAGE_CACHE || join(homedir(), '.cache', 'image-create'),
      offline: (env.DIB_OFFLINE ?? '') !== '' && env.DIB_OFFLINE !== '0',
      cwd: process.cwd(),
      env,
      rules: await downloadRules(env),
      log,
    })
    return 0
  } catch (error) {
    log.error(describeError(error))
    return error instanceof CofferError ? error.exitCode : 1
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2), process.env)
