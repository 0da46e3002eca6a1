import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Environment } from '../../../lib/exec.ts'
import { getopt } from '../../../lib/getopt.ts'
import type { HookFile } from '../../../phases/hooks.ts'
import { hasEffect } from '../../../phases/step-ids.ts'
import { buildOptions } from '../../request/options.ts'
import type { BuildRequest } from '../../request/request.ts'
import { describeEnvironment } from '../base-environment.ts'
import { rewriteInTree } from './tree-files.ts'
import type { NormaliseRule } from './types.ts'

const DIRECTORY = '/etc/dib-manifests'

/** What element `manifests`, DIB's or ours, writes of the caller's circumstances. */
export const buildManifests: NormaliseRule = {
  name: 'build-manifests',
  paths: [`${DIRECTORY}/dib_environment`, `${DIRECTORY}/dib_arguments`],
  does: 'keep the variables that the elements in use know and the options that decide what is in the image',
  why: 'They hold the whole environment and command line of whoever builds. The copies beside the image still do.',
  async apply({ tree, request, hooks }) {
    const directory = request.callerEnv.DIB_MANIFEST_IMAGE_DIR ?? DIRECTORY
    const known = await knownVariables(request.callerEnv, hooks)
    const environment = `${describeEnvironment(known)}\n`
    await rewriteInTree(tree, [`${directory}/dib_environment`], () => latin1(environment))
    await rewriteInTree(tree, [`${directory}/dib_arguments`], () => latin1(`${portableArguments(request)}\n`))
  },
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** The options and elements of a command line, without what says only how this run goes and where its output lands. */
export function portableArguments(request: Pick<BuildRequest, 'program' | 'args' | 'imageName'>): string {
  const local = new Set(buildOptions.filter((option) => option.local === true).map(({ names }) => names[0]))
  const { options, words } = getopt(request.program, request.args, buildOptions)
  return [
    '-o',
    basename(request.imageName),
    ...options.flatMap(({ name, value }) => (local.has(name) ? [] : value === '' ? [name] : [name, value])),
    ...words,
  ].join(' ')
}

/** Larger files of elements are programs and data. */
const LARGEST_SCRIPT = 1024 ** 2

/** The caller's variables that a file of an element mentions, without those of the person and the machine. */
export async function knownVariables(
  env: Environment,
  hooks: readonly Pick<HookFile, 'kind' | 'source'>[],
): Promise<Environment> {
  const mentioned = new Set<string>()
  for (const { kind, source } of hooks) {
    if (kind !== 'file') continue
    const bytes = await readFile(source)
    if (bytes.length > LARGEST_SCRIPT) continue
    for (const [name] of bytes.toString('latin1').matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)) mentioned.add(name)
  }
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => mentioned.has(name) && !ofThePerson(name) && hasEffect(name)),
  )
}

const PERSONAL = new Set(
  `DATASTORE_DOWNLOAD_OPTS DATASTORE_PKG_LOCATION DIB_CHECKSUM DIB_MANIFEST_SAVE_DIR DIB_OFFLINE HOME IMAGE_NAME IMAGE_TYPE
   LANG LANGUAGE LOGNAME OVERWRITE_OLD_IMAGE PATH QEMU_IMG_OPTIONS TMPDIR TZ USER`.split(/\s+/),
)

function ofThePerson(name: string): boolean {
  return PERSONAL.has(name) || name.startsWith('LC_') || /_proxy$/i.test(name)
}
