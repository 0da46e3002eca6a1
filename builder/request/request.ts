import { availableParallelism, homedir } from 'node:os'
import { resolve } from 'node:path'
import { CofferError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { parseTypes } from '../output/index.ts'
import type { CommandLine } from './options.ts'

/** What to build, with every default filled in. Plain data: it crosses to the sandboxed worker as JSON. */
export interface BuildRequest {
  readonly program: string
  readonly arch: string
  /** Elements as the user named them. */
  readonly named: readonly string[]
  readonly skipBase: boolean
  readonly ramdiskElement: string | undefined
  readonly packages: readonly string[]
  /** Output path without suffix, as the user wrote it. */
  readonly imageName: string
  readonly types: readonly string[]
  readonly compress: boolean
  readonly checksum: string | undefined
  readonly overwrite: boolean
  readonly qemuImgOptions: string | undefined
  readonly dockerTarget: string | undefined
  readonly trace: number
  readonly offline: boolean
  readonly useTmpfs: boolean
  /** GiB; the machine needs twice this for a tmpfs build. */
  readonly minTmpfsGiB: number
  readonly imageCache: string
  readonly lockFiles: string
  readonly tmpDir: string
  /** Where a lock of the build is written (`--lock`), as an absolute path. */
  readonly lockTo: string | undefined
  /** The lock that is built from (`--locked`), as an absolute path. */
  readonly lockedFrom: string | undefined
  readonly size: ImageSizeRequest
  readonly rootLabel: string | undefined
  readonly fsType: string
  readonly installType: string
  /** Results of steps are taken from the step cache and kept there. */
  readonly stepCache: boolean
  /** A record of the build is written beside the image, in `NAME.d`. */
  readonly record: boolean
  /** Results of the last build that failed are taken as they are, whatever has changed in the repositories. */
  readonly resume: boolean
  /** `break=` of the caller, split. */
  readonly breaks: readonly string[]
  readonly cores: number
  /** The caller's environment after `-c`, and the raw arguments: both are given to elements (DIB_ENV, DIB_ARGS). */
  readonly callerEnv: Environment
  readonly args: readonly string[]
}

/** How large the image becomes (DIB contract §4.6). */
export interface ImageSizeRequest {
  readonly imageSizeGiB: number | undefined
  readonly extraMiB: number | undefined
  readonly journalMiB: number | undefined
  readonly maxOnlineResize: string | undefined
  readonly mkfsOptions: string
}

/** Variables that `-c` keeps: without them nothing can be found or cached. */
const KEPT_BY_CLEAR = ['HOME', 'PATH', 'SUDO_UID', 'SUDO_GID', 'TERM', 'USER', 'LOGNAME', 'COFFER_NODE']

/**
 * The request a command line and an environment make together (DIB contract §1.5, §3.1).
 *
 * @throws CofferError `NO_ELEMENTS`, `OPTION_VALUE_INVALID`
 */
export function makeRequest(
  program: string,
  args: readonly string[],
  line: CommandLine,
  environment: Environment,
  hostArch: string,
): BuildRequest {
  if (line.elements.length === 0) {
    throw new CofferError('NO_ELEMENTS', 'ERROR: At least one distribution root element must be specified', {
      hint: `For example: ${program} -o debian debian vm`,
    })
  }
  const env = line.flag('-c') ? pick(environment, KEPT_BY_CLEAR) : environment
  const home = env.HOME ?? homedir()
  const option = (name: string, variable: string) => line.value(name) ?? nonEmpty(env[variable])
  const path = (name: string) => {
    const value = nonEmpty(line.value(name))
    return value === undefined ? undefined : resolve(value)
  }
  const number = (name: string, variable: string) => positiveNumber(name, option(name, variable))
  const { types, imageName } = parseTypes(line.value('-t') ?? 'qcow2', option('-o', 'IMAGE_NAME') ?? 'image')
  return {
    program,
    arch: option('-a', 'ARCH') ?? hostArch,
    named: line.elements,
    skipBase: line.flag('-n') || env.SKIP_BASE === '1',
    ramdiskElement:
      program === 'ramdisk-image-create'
        ? (option('--ramdisk-element', 'RAMDISK_ELEMENT') ?? 'ramdisk')
        : undefined,
    packages: line
      .values('-p')
      .flatMap((list) => list.split(','))
      .filter((name) => name !== ''),
    imageName,
    types,
    compress: !line.flag('-u'),
    checksum: line.flag('--checksum') ? (nonEmpty(env.DIB_CHECKSUM) ?? '1') : nonEmpty(env.DIB_CHECKSUM),
    overwrite: !['', '0'].includes(env.OVERWRITE_OLD_IMAGE ?? ''),
    qemuImgOptions: option('--qemu-img-options', 'QEMU_IMG_OPTIONS'),
    dockerTarget: option('--docker-target', 'DOCKER_TARGET'),
    trace: traceLevel(env.DIB_DEBUG_TRACE) + line.count('-x'),
    offline: line.flag('--offline') || nonEmpty(env.DIB_OFFLINE) !== undefined,
    useTmpfs: !line.flag('--no-tmpfs') && (env.DIB_NO_TMPFS ?? '0') === '0',
    minTmpfsGiB: number('--min-tmpfs', 'DIB_MIN_TMPFS') ?? 2,
    imageCache: resolve(option('--image-cache', 'DIB_IMAGE_CACHE') ?? `${home}/.cache/image-create`),
    lockFiles: resolve(nonEmpty(env.DIB_LOCKFILES) ?? `${home}/.cache/dib/lockfiles`),
    tmpDir: resolve(nonEmpty(env.TMP_DIR) ?? '/tmp'),
    lockTo: path('--lock'),
    lockedFrom: path('--locked'),
    size: {
      imageSizeGiB: number('--image-size', 'DIB_IMAGE_SIZE'),
      extraMiB: number('--image-extra-size', 'DIB_IMAGE_EXTRA_SIZE'),
      journalMiB: number('--mkfs-journal-size', 'DIB_JOURNAL_SIZE'),
      maxOnlineResize: option('--max-online-resize', 'MAX_ONLINE_RESIZE'),
      mkfsOptions: line.value('--mkfs-options') ?? '',
    },
    rootLabel: option('--root-label', 'ROOT_LABEL'),
    fsType: nonEmpty(env.FS_TYPE) ?? 'ext4',
    installType: option('--install-type', 'DIB_DEFAULT_INSTALLTYPE') ?? 'source',
    stepCache: stepCache(program, line, env),
    resume: line.flag('--resume'),
    record: program === 'build-image' || line.flag('--record'),
    breaks: (env.break ?? '').split(',').filter((name) => name !== ''),
    cores: availableParallelism(),
    callerEnv: env,
    args,
  }
}

/**
 * Elements written for DIB fetch what they like in any script and expect to be run each time, so the step cache is on only
 * where it was asked for, or where the elements are known to name what they read.
 */
function stepCache(program: string, line: CommandLine, env: Environment): boolean {
  if (line.flag('--no-cache') || nonEmpty(env.break) !== undefined) return false
  return program === 'build-image' || line.flag('--cache') || line.flag('--resume')
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value
}

function pick(environment: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(names.map((name) => [name, environment[name]]))
}

function traceLevel(text: string | undefined): number {
  const level = Number(nonEmpty(text) ?? '0')
  if (Number.isInteger(level) && level >= 0) return level
  throw new CofferError('OPTION_VALUE_INVALID', `DIB_DEBUG_TRACE needs a whole number, not '${text}'`, {
    hint: 'Use 0 for no tracing, 1 for tracing, 2 for more; or leave it unset and use -x.',
  })
}

function positiveNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new CofferError('OPTION_VALUE_INVALID', `${name} needs a positive number, not '${text}'`, {
    hint: `For example: ${name} 4`,
  })
}
