import type { Environment } from '../../lib/exec.ts'
import { quoteWord } from '../../lib/quote.ts'
import { isSensitive } from '../../phases/environment.ts'
import { elementInfoEnvironment } from '../../phases/resolve.ts'
import { lockVariables } from '../lock/lock-variables.ts'
import type { BuildJob } from './build.ts'

/**
 * The environment every phase starts from (DIB contract §1.5): the caller's, then what the driver exports.
 * The root label, type and mount points are added once the disk layout is known.
 */
export function baseEnvironment(job: BuildJob): Record<string, string> {
  const { request, directories } = job
  const caller = defined(request.callerEnv)
  delete caller.IMAGE_BLOCK_DEVICE
  delete caller.IMAGE_BLOCK_DEVICES
  delete caller.TARGET_ROOT
  // Of a build that started this one.
  for (const name of Object.values(lockVariables)) delete caller[name]
  const info = elementInfoEnvironment(job.elements)
  return {
    ...caller,
    ARCH: request.arch,
    COFFER_VERSION: job.version,
    COFFER_NODE: process.execPath,
    ...(job.aptProxy === undefined ? {} : { COFFER_APT_PROXY: job.aptProxy }),
    ...job.inputEnvironment,
    DIB_ARGS: request.args.join(' '),
    DIB_ENV: describeEnvironment(request.callerEnv),
    DIB_BLOCK_DEVICE_PARAMS_YAML: `${directories.build}/block-device/params.yaml`,
    DIB_CHECKSUM: request.checksum ?? '0',
    DIB_DEBUG_TRACE: String(request.trace),
    // Scripts learn it from an environment file; exported here only where the caller did, --install-type over it.
    ...(caller.DIB_DEFAULT_INSTALLTYPE === undefined ? {} : { DIB_DEFAULT_INSTALLTYPE: request.installType }),
    ...(request.size.imageSizeGiB === undefined ? {} : { DIB_IMAGE_SIZE: String(request.size.imageSizeGiB) }),
    DIB_IMAGE_CACHE: request.imageCache,
    DIB_LOCKFILES: request.lockFiles,
    DIB_MIN_TMPFS: String(request.minTmpfsGiB),
    DIB_NO_TMPFS: request.useTmpfs ? '0' : '1',
    DIB_OFFLINE: request.offline ? '1' : '',
    DIB_PYTHON_EXEC: caller.DIB_PYTHON_EXEC ?? '/usr/bin/python3',
    ELEMENTS_PATH: job.searchPath.join(':'),
    FS_TYPE: request.fsType,
    IMAGE_NAME: request.imageName,
    IMAGE_TYPE: caller.IMAGE_TYPE ?? 'qcow2',
    ...info.variables,
    'BASH_FUNC_get_image_element_array%%': info.function,
    'BASH_FUNC_die%%': '() {  echo "ERROR: $*" 1>&2; exit 1\n}',
    LC_ALL: 'C',
    OUT_IMAGE_PATH: '',
    ...(request.skipBase ? { SKIP_BASE: '1' } : {}),
    TMP_BUILD_DIR: directories.build,
    TMP_HOOKS_PATH: directories.hooks,
    TMP_IMAGE_DIR: directories.image,
    TMP_MOUNT_PATH: directories.mount,
    _LIB: job.libDir,
    PATH: job.path,
  }
}

/** The search path for programs: the caller's, the system directories DIB adds, and our own programs last. */
export function programPath(caller: string | undefined, libexec: string): string {
  const parts = (caller ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin').split(':')
  for (const extra of ['/sbin', '/usr/sbin', '/usr/local/sbin', libexec]) {
    if (!parts.includes(extra)) parts.push(extra)
  }
  return parts.join(':')
}

/** The caller's environment as text for the image's manifest; values of secrets are masked. */
function describeEnvironment(env: Environment): string {
  return Object.entries(defined(env))
    .filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `declare -x ${name}=${quoteWord(isSensitive(name) ? '***' : value)}`)
    .join('\n')
}

function defined(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
