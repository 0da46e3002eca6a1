import { CofferError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import type { ParsedCommandLine } from '../../lib/getopt.ts'
import type { Datastore } from '../datastores/datastores.ts'
import { qcow2Options } from '../output/index.ts'

/** What a build-image command line says. */
export interface BuildImageLine {
  readonly early: 'help' | 'version' | 'list' | undefined
  readonly datastore: string
  readonly explain: boolean
  readonly monitor: string | undefined
  readonly logFile: string | undefined
  readonly bootCheck: boolean
  /** What to boot under, for --boot-check. */
  readonly firmwares: readonly ('bios' | 'uefi')[]
  readonly bootTimeoutMs: number
  /** Set for --sign. */
  readonly sign: { readonly keyFile: string; readonly passphraseFile: string | undefined } | undefined
  /** Set for --register. */
  readonly register: { readonly versionName: string | undefined } | undefined
  readonly elements: readonly string[]
  readonly distribution: string | undefined
  /** The value of a passed-through option, last one wins. */
  readonly value: (name: string) => string | undefined
  readonly values: (name: string) => readonly string[]
  /** Variables the elements read, from the options and the datastore's defaults. */
  readonly environment: (datastore: Datastore) => Environment
}

/** Reads the parsed words. @throws CofferError `DATASTORE_MISSING`, `OPTION_VALUE_INVALID` */
export function readBuildImageLine(parsed: ParsedCommandLine): BuildImageLine {
  const values = (name: string) =>
    parsed.options.filter((option) => option.name === name).map((option) => option.value)
  const value = (name: string) => values(name).at(-1)
  const has = (name: string) => values(name).length > 0
  const early = has('-h') ? 'help' : has('--version') ? 'version' : has('--list') ? 'list' : undefined
  const [datastore, ...others] = parsed.words
  if (early === undefined && (datastore === undefined || others.length > 0)) {
    throw new CofferError(
      'DATASTORE_MISSING',
      datastore === undefined
        ? 'build-image needs a datastore'
        : `build-image takes one datastore, not ${parsed.words.join(' ')}`,
      {
        hint: 'For example: build-image mysql; build-image --list names them all; more elements go to --element.',
      },
    )
  }
  const keyFile = value('--sign')
  return {
    early,
    datastore: datastore ?? '',
    explain: has('--explain'),
    monitor: value('--monitor'),
    logFile: value('--logfile'),
    bootCheck: has('--boot-check'),
    firmwares: firmwares(oneOf('--firmware', value('--firmware') ?? 'both', ['bios', 'uefi', 'both'])),
    bootTimeoutMs: seconds('--boot-timeout', value('--boot-timeout') ?? '300') * 1000,
    sign: keyFile === undefined ? undefined : { keyFile, passphraseFile: value('--sign-passphrase-file') },
    register: has('--register') ? { versionName: value('--datastore-version') } : undefined,
    elements: values('--element'),
    distribution: value('--distribution'),
    value,
    values,
    environment(store) {
      const distribution = value('--distribution') ?? store.distribution
      return {
        DISTRO_NAME: distribution,
        DIB_RELEASE: value('--release') ?? process.env.DIB_RELEASE ?? store.release,
        ...(has('--full') ? { COFFER_SLIM: '0' } : {}),
      }
    },
  }
}

/** The disk-image-create arguments that build-image stands for. */
export function diskImageCreateArguments(line: BuildImageLine, datastore: Datastore): string[] {
  const pass = (name: string, as = name) => {
    const value = line.value(name)
    return value === undefined ? [] : [as, value]
  }
  const flag = (name: string) => line.values(name).map(() => name)
  const types = line.value('-t') ?? 'qcow2'
  return [
    ...pass('--arch', '-a'),
    ...['-o', line.value('-o') ?? datastore.name, '-t', types],
    ...pass('--size', '--image-size'),
    ...pass('--image-cache'),
    ...pass('--lock'),
    ...pass('--locked'),
    ...line.values('--package').flatMap((name) => ['-p', name]),
    ...['--qemu-img-options', qemuImgOptions(line.value('--compat'))],
    ...['--checksum', '--offline', '--no-tmpfs', '--no-cache', '--resume', '-x'].flatMap(flag),
    '-n',
    `${line.distribution ?? datastore.distribution}-minimal`,
    'vm',
    'block-device-hybrid',
    ...datastore.elements,
    ...line.elements,
  ]
}

/** zstd: a smaller file in a fifth of the time; only QEMU before 5.1 cannot read it. */
function qemuImgOptions(compat: string | undefined): string {
  if (compat === undefined) return qcow2Options({ zstd: true })
  return qcow2Options({ compat: oneOf('--compat', compat, ['0.10', '1.1']) })
}

function firmwares(choice: 'bios' | 'uefi' | 'both'): ('bios' | 'uefi')[] {
  return choice === 'both' ? ['bios', 'uefi'] : [choice]
}

function oneOf<const T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found !== undefined) return found
  throw new CofferError('OPTION_VALUE_INVALID', `${name} is one of ${allowed.join(', ')}, not '${value}'`)
}

function seconds(name: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  throw new CofferError('OPTION_VALUE_INVALID', `${name} needs a positive number of seconds, not '${text}'`)
}
