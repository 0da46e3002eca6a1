import { type Command, Option } from 'commander'
import type { ContentOptions } from './open-word.ts'

type Flags = { readonly json?: true; readonly format?: 'qcow2' | 'raw' | 'tar' }

/**
 * The subcommands of `coffer image` that look into images.
 *
 * @param sub makes a subcommand
 * @param stateDir of the command line
 * @param done told the exit status
 */
export function contentCommands(
  sub: (name: string, description: string) => Command,
  stateDir: () => string | undefined,
  done: (status: number) => void,
): void {
  const onImage = (name: string, description: string) =>
    sub(name, description)
      .argument('<image>', IMAGE)
      .addOption(new Option('--format <format>', FORMAT).choices(['qcow2', 'raw', 'tar']))
  const common = ({ format }: Flags): ContentOptions => ({
    stateDir: stateDir(),
    ...(format === undefined ? {} : { format }),
  })
  const printing = (flags: Flags) => ({ ...common(flags), json: flags.json === true })

  onImage('inspect', 'show what is in an image: disk, file systems, system, engine, agent, build')
    .option('--json', 'print JSON')
    .action(async (word: string, flags: Flags) => {
      const { inspect } = await import('./inspect.ts')
      done(await inspect(word, printing(flags)))
    })
  onImage('ls', 'list files in an image')
    .argument('[path]', 'a directory or a file in the image', '/')
    .option('-l', 'mode, owner, group, size, time (UTC), link target, extended attributes and capabilities')
    .option('-R', 'everything below, by whole paths')
    .option('--json', 'print JSON')
    .action(async (word: string, path: string, flags: Flags & { l?: true; R?: true }) => {
      const { listFiles } = await import('./list-files.ts')
      done(
        await listFiles(word, path, {
          ...printing(flags),
          long: flags.l === true,
          recursive: flags.R === true,
        }),
      )
    })
  onImage('cat', 'print files of an image')
    .argument('<path...>', 'files in the image; links are followed inside of it only')
    .action(async (word: string, paths: string[], flags: Flags) => {
      const { cat } = await import('./cat.ts')
      done(await cat(word, paths, common(flags)))
    })
  sub(
    'diff',
    'compare two images: packages, files, configuration, disk, sizes; status 0 same, 1 different, 2 trouble',
  )
    .argument('<image>', IMAGE)
    .argument('<other>', 'what it is compared with')
    .option('--json', 'print JSON')
    .action(async (from: string, to: string, flags: Flags) => {
      const { diff } = await import('./diff.ts')
      done(await diff(from, to, printing(flags)))
    })
  onImage('why', 'tell which package, element and script brought a file into an image')
    .argument('<path>', 'a file, directory or link in the image')
    .option('--json', 'print JSON')
    .action(async (word: string, path: string, flags: Flags) => {
      const { why } = await import('./why.ts')
      done(await why(word, path, printing(flags)))
    })
}

const IMAGE = 'a qcow2, raw or tar file; or id, the beginning of one, digest, or name in the store'
const FORMAT = 'of a file whose name does not tell'
