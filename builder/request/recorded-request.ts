import { getopt } from '../../lib/getopt.ts'
import { publicUrl } from '../../lib/public-url.ts'
import type { RecordedRequest } from '../../registry/images/record.ts'
import { buildOptions } from './options.ts'
import type { BuildRequest } from './request.ts'

/** Options that say where and how on this machine, and nothing about the image. */
const LOCAL: ReadonlySet<string> = new Set([
  '-o',
  '-x',
  '--checksum',
  '--image-cache',
  '--lock',
  '--locked',
  '--logfile',
  '--min-tmpfs',
  '--monitor',
  '--no-cache',
  '--no-tmpfs',
  '--offline',
  '--record',
  '--resume',
])

/**
 * What a build's record says of its request: the options and words that bear on the image, addresses without credentials.
 * The same image asked for on another machine, under another name, has the same.
 */
export function recordedRequest({
  program,
  args,
  datastore,
}: Pick<BuildRequest, 'program' | 'args' | 'datastore'>): RecordedRequest {
  const { options, words } = getopt(program, args, buildOptions)
  const takesArgument = new Set(buildOptions.filter(({ argument }) => argument).map(({ names }) => names[0]))
  const kept = options
    .filter(({ name }) => !LOCAL.has(name))
    .flatMap(({ name, value }) => (takesArgument.has(name) ? [name, withoutCredentials(value)] : [name]))
  return {
    program,
    arguments: [...kept, ...words.map(withoutCredentials)],
    ...(datastore === undefined ? {} : { datastore }),
  }
}

const withoutCredentials = (text: string): string =>
  text.replace(/[a-z][a-z0-9+.-]*:\/\/[^\s,]+/gi, publicUrl)
