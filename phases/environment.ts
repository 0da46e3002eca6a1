import type { Environment } from '../lib/exec.ts'

/** What scripts in the chroot have as PATH. DIB puts the literal text `$PATH` before it; that names no directory. */
export const INSIDE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Variables the driver exports to every phase, besides the caller's own (DIB contract §1.5). */
export const exportedVariables = [
  '_LIB',
  'ARCH',
  'DIB_ARGS',
  'DIB_BLOCK_DEVICE_PARAMS_YAML',
  'DIB_BOOT_LABEL',
  'DIB_CHECKSUM',
  'DIB_DEBUG_TRACE',
  'DIB_ENV',
  'DIB_IMAGE_CACHE',
  'DIB_LOCKFILES',
  'DIB_MIN_TMPFS',
  'DIB_MOUNTPOINTS',
  'DIB_NO_TMPFS',
  'DIB_OFFLINE',
  'DIB_PYTHON_EXEC',
  'DIB_ROOT_FSTYPE',
  'DIB_ROOT_LABEL',
  'ELEMENTS_PATH',
  'FS_TYPE',
  'IMAGE_ELEMENT',
  'IMAGE_ELEMENT_YAML',
  'IMAGE_NAME',
  'IMAGE_TYPE',
  'LC_ALL',
  'OUT_IMAGE_PATH',
  'PATH',
  'SKIP_BASE',
  'TMP_BUILD_DIR',
  'TMP_HOOKS_PATH',
  'TMP_IMAGE_DIR',
  'TMP_MOUNT_PATH',
] as const

/** Variables a caller may set to steer a build, besides those of elements (DIB contract §1.5). */
export const callerVariables = [
  'ACI_MANIFEST',
  'ARCH',
  'break',
  'break_cmd',
  'break_outside_target',
  'DIB_BLOCK_DEVICE_CONFIG',
  'DIB_BLOCK_SIZE',
  'DIB_CHECKSUM',
  'DIB_DEBUG_TRACE',
  'DIB_DEFAULT_INSTALLTYPE',
  'DIB_GZIP_BIN',
  'DIB_IMAGE_CACHE',
  'DIB_IMAGE_EXTRA_SIZE',
  'DIB_IMAGE_SIZE',
  'DIB_INSTALLTYPE_*',
  'DIB_JOURNAL_SIZE',
  'DIB_LOCKFILES',
  'DIB_MIN_TMPFS',
  'DIB_NO_TIMESTAMP',
  'DIB_NO_TMPFS',
  'DIB_OFFLINE',
  'DIB_QUIET',
  'DIB_SHOW_IMAGE_USAGE',
  'DIB_SHOW_IMAGE_USAGE_FULL',
  'ELEMENTS_PATH',
  'FS_TYPE',
  'IMAGE_NAME',
  'MAX_ONLINE_RESIZE',
  'OVERWRITE_OLD_IMAGE',
  'QEMU_IMG_OPTIONS',
  'ROOT_LABEL',
  'RUN_PARTS_REGEX',
  'TMP_DIR',
] as const

/**
 * Variables that stay outside. TMPDIR and VIRTUAL_ENV are unset by the driver, the builder's own record and lock are files
 * of the host; the rest never passes `sudo -E`, because it names files of the host too or changes how a shell, a linker or
 * an interpreter works.
 */
const stopped = new Set(
  `TMPDIR VIRTUAL_ENV COFFER_RECORD COFFER_LOCKED COFFER_LOCKING BASHOPTS BASH_ENV CDPATH ENV FPATH GLOBIGNORE HOSTALIASES IFS JAVA_TOOL_OPTIONS LOCALDOMAIN NLSPATH
   NULLCMD PATH_LOCALE PERL5DB PERL5LIB PERL5OPT PERLIO_DEBUG PERLLIB PS4 PYTHONHOME PYTHONINSPECT PYTHONPATH
   PYTHONUSERBASE READNULLCMD RES_OPTIONS RUBYLIB RUBYOPT SHELLOPTS TERMCAP TERMINFO TERMINFO_DIRS TERMPATH TMPPREFIX
   ZDOTDIR`.split(/\s+/),
)
const stoppedPrefixes = ['BASH_FUNC_', 'LD_', '_RLD']

/**
 * The environment of a script in the chroot, given the one of a script outside (DIB contract §1.5, §10.2).
 *
 * Exported functions and what {@link stopped} lists stay outside; the user is root; everything else crosses, since
 * elements rely on the caller's proxies, credentials and options.
 */
export function insideEnvironment(environment: Environment): Record<string, string> {
  const crossing = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && crosses(entry[0], entry[1]),
  )
  return {
    ...Object.fromEntries(crossing),
    HOME: '/root',
    LOGNAME: 'root',
    USER: 'root',
    PATH: INSIDE_PATH,
  }
}

function crosses(name: string, value: string): boolean {
  // A value that starts like a function definition was a function to old shells.
  if (stopped.has(name) || value.startsWith('()')) return false
  return !stoppedPrefixes.some((prefix) => name.startsWith(prefix))
}

/**
 * Names whose values are never printed. DIB_ENV holds a copy of the whole environment, secrets included.
 */
export const SENSITIVE: readonly RegExp[] = [
  /passw(or)?d/i,
  /passphrase/i,
  /(^|_)pass(_|$)/i,
  /_pwd$/i,
  /secret/i,
  /token/i,
  /credential/i,
  /(^|_)(api|access|private|signing|encryption|auth)_?key/i,
  /^DIB_ENV$/,
  // May carry --password for a download (docs/guide/build-images.md).
  /^DATASTORE_DOWNLOAD_OPTS$/,
]

/** Whether a variable's value must not be printed. */
export function isSensitive(name: string): boolean {
  return SENSITIVE.some((pattern) => pattern.test(name))
}

/** A variable's value for printing: hidden for a sensitive name, and without the user part of a URL. */
export function maskedValue(name: string, value: string): string {
  if (value === '') return value
  return isSensitive(name) ? '********' : value.replace(/(\/\/)[^/@\s'"]+@/g, '$1********@')
}
