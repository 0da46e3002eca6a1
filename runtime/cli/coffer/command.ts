import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { imageCommands } from './image-command.ts'

const VERSION = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/**
 * The command `coffer` and its subcommands. What a subcommand needs is loaded when it is run.
 *
 * @param done told the exit status
 */
export function cofferCommand(done: (status: number) => void): Command {
  const coffer = new Command('coffer')
    .description(
      'Runs the database service on this machine: identity, API, task manager, conductor and message hub.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .option(
      '--state-dir <directory>',
      'where everything is kept (default: $COFFER_STATE_DIR, else /var/lib/coffer for root)',
    )
    .showHelpAfterError('hint: see coffer --help')
    .allowExcessArguments(false)
  const stateDir = () => coffer.opts<{ stateDir?: string }>().stateDir
  // Of use after the subcommand as well: coffer up --state-dir /x.
  const sub = (name: string, description: string) =>
    coffer
      .command(name)
      .description(description)
      .helpOption('-h, --help', 'print this help')
      .allowExcessArguments(false)
      .option('--state-dir <directory>', 'where everything is kept')
      .hook('preAction', (_, action) => {
        const own = action.opts<{ stateDir?: string }>().stateDir
        if (own !== undefined) coffer.setOptionValue('stateDir', own)
      })

  sub('up', 'start the service, or say that it runs')
    .option('--datastore <name>', 'datastore that the printed commands use', 'mysql')
    .option('--foreground', 'stay in the foreground and show the log; for service managers and containers')
    .action(async (options: { datastore: string; foreground?: true }) => {
      const { up } = await import('./up.ts')
      done(
        await up({
          stateDir: stateDir(),
          datastore: options.datastore,
          foreground: options.foreground === true,
        }),
      )
    })
  sub('down', 'stop the service; database instances go on running')
    .option(
      '--purge',
      'delete all instances with their data, and all that the service keeps but images and settings',
    )
    .option('-y, --yes', 'do not ask before deleting')
    .action(async (options: { purge?: true; yes?: true }) => {
      const { down } = await import('./down.ts')
      done(await down({ stateDir: stateDir(), purge: options.purge === true, yes: options.yes === true }))
    })
  sub('status', 'show what runs')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const { status } = await import('./status.ts')
      done(await status({ stateDir: stateDir(), json: options.json === true }))
    })
  sub('doctor', 'check this machine and what the service keeps')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const { doctor } = await import('./doctor.ts')
      done(await doctor({ stateDir: stateDir(), json: options.json === true }))
    })
  sub('logs', "show the services' log, or an instance's console")
    .argument('[what]', 'api, taskmanager, conductor, identity, or the name or id of an instance')
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --lines <number>', 'how many lines to begin with', positive, 100)
    .option('--json', 'print the log as it is stored')
    .action(async (what: string | undefined, options: { follow?: true; lines: number; json?: true }) => {
      const { logs } = await import('./logs.ts')
      done(
        await logs({
          stateDir: stateDir(),
          what,
          follow: options.follow === true,
          lines: options.lines,
          json: options.json === true,
        }),
      )
    })

  imageCommands(sub('image', 'the images that instances run from'), stateDir, done)

  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)]
  for (const command of all(coffer)) command.exitOverride()
  return coffer
}

function positive(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0) return number
  throw new InvalidArgumentError('It is not a number of lines.')
}
