import { Command, CommanderError } from 'commander'
import { CofferError, describeError } from '../../../lib/errors.ts'
import type { ManageCommand } from './commands.ts'
import { databaseCommands } from './database-commands.ts'
import { datastoreCommands } from './datastore-commands.ts'
import { quotaCommands } from './quota-commands.ts'
import { manageServices } from './services.ts'

/** All subcommands, in the order of the help. */
export const MANAGE_COMMANDS: readonly ManageCommand[] = [
  ...databaseCommands,
  ...datastoreCommands,
  ...quotaCommands,
]

/** What argparse, and so the real trove-manage, exits with when the words are wrong. */
const USAGE = 2

/** The command line as commander understands it. */
export function manageProgram(
  run: (command: ManageCommand, words: readonly string[], values: object) => Promise<void>,
) {
  const program = new Command('trove-manage')
    .description(
      'Administers the infrastructure database of Trove: datastores, versions, parameters, quotas.',
    )
    .option('--config-file <file>', 'configuration file; may repeat, later ones win', collect, [] as string[])
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride()
  for (const command of MANAGE_COMMANDS) {
    const line = program.command(command.name).description(command.summary).exitOverride()
    for (const { name, help } of command.positionals) line.argument(`<${name}>`, help)
    for (const { name, help } of command.options ?? []) line.option(`--${name} <${name}>`, help)
    line.action((...given: unknown[]) =>
      run(command, given.slice(0, command.positionals.length) as string[], line.opts()),
    )
  }
  return program
}

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value]
}

/** `trove-manage`: words in, lines out. @returns the exit status */
async function main(words: readonly string[]): Promise<number> {
  const program = manageProgram(async (command, values, options) => {
    const services = manageServices(program.opts<{ configFile: string[] }>().configFile)
    try {
      const lines = await command.run(
        {
          argument: (name) =>
            values[command.positionals.findIndex((positional) => positional.name === name)] ?? '',
          option: (name) => (options as Record<string, string | undefined>)[camel(name)],
        },
        services,
      )
      for (const text of lines) process.stdout.write(`${text}\n`)
    } finally {
      await services.close()
    }
  })
  if (words.length === 0) {
    program.outputHelp({ error: true })
    return USAGE
  }
  try {
    await program.parseAsync(words, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    process.stderr.write(`${describeError(error)}\n`)
    return error instanceof CofferError ? error.exitCode : 1
  }
}

/** Commander's own spelling of an option's name. */
function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
