import { type Command, Option } from 'commander'
import { contentCommands } from './content/command.ts'

/**
 * The subcommands of `coffer image`.
 *
 * @param image the command they belong to
 * @param stateDir of the command line
 * @param done told the exit status
 */
export function imageCommands(
  image: Command,
  stateDir: () => string | undefined,
  done: (status: number) => void,
): void {
  const sub = (name: string, description: string) =>
    image
      .command(name)
      .description(description)
      .helpOption('-h, --help', 'print this help')
      .allowExcessArguments(false)
  image.helpCommand(false)
  sub('list', 'list the images, newest first')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: true }) => {
      done(await (await load()).listImages(stateDir(), json === true))
    })
  sub('show', 'show what is known of an image')
    .argument('<image>', 'id, the beginning of one, digest, or name')
    .option('--json', 'print JSON, with all packages')
    .action(async (word: string, { json }: { json?: true }) => {
      done(await (await load()).showImage(stateDir(), word, json === true))
    })
  sub('put', 'keep an image file; prints its id for trove-manage datastore_version_update')
    .argument('<file>', 'a qcow2 or raw image')
    .option('--name <name>', 'name for people (default: that of the file)')
    .addOption(new Option('--format <format>', 'default: by the suffix').choices(['qcow2', 'raw']))
    .action(async (file: string, options: { name?: string; format?: 'qcow2' | 'raw' }) => {
      done(await (await load()).putImage(stateDir(), file, options))
    })
  sub('delete', 'delete an image that neither a datastore version nor an instance needs')
    .argument('<image>', 'id, the beginning of one, digest, or name')
    .action(async (word: string) => done(await (await load()).deleteImage(stateDir(), word)))
  sub('prune', 'delete all such images').action(async () =>
    done(await (await load()).pruneImages(stateDir())),
  )
  contentCommands(sub, stateDir, done)
}

const load = () => import('./image.ts')
