import { readFileSync } from 'node:fs'
import { type Clock, systemClock } from '../../../lib/clock.ts'
import { closest } from '../../../lib/closest.ts'
import { CofferError, describeError } from '../../../lib/errors.ts'
import { printable } from '../../../lib/printable.ts'
import { globalOptions } from './arguments/global-options.ts'
import { commandHelp, commandUsage, programHelp, programUsage } from './arguments/help.ts'
import { type Parsed, parseArguments, UsageError } from './arguments/parse.ts'
import { type GlobalSettings, globalSettings } from './arguments/settings.ts'
import type { Arguments } from './arguments/types.ts'
import { commands, findCommand } from './commands/index.ts'
import type { Command, Context } from './commands/types.ts'

/** What the program has of its surroundings. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** True when a person reads the error stream. */
  readonly terminal: boolean
  /** Columns of the help. */
  readonly width: number
  readonly askPassword?: () => Promise<string>
  readonly clock?: Clock
}

/**
 * Runs `trove`.
 *
 * @returns the exit status: 0, 1 for a refusal or failure, 2 for a mistake on the command line
 */
export async function runTrove(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stderr, width } = surroundings
  let command: Command | undefined
  try {
    const globals = parseArguments({ positionals: [], options: globalOptions }, argv, true)
    const [name, ...rest] = globals.rest
    if (await answered(globals, name, rest, surroundings)) return 0
    command = knownCommand(name ?? '')
    const grammar = {
      positionals: command.positionals ?? [],
      options: [...(command.options ?? []), helpOption],
    }
    if (asksForHelp(rest)) {
      surroundings.stdout(commandHelp(command, width))
      return 0
    }
    const { args } = parseArguments(grammar, rest)
    await runCommand(
      command,
      args,
      globalSettings(globalOptions, globals.args, surroundings.env),
      surroundings,
    )
    return 0
  } catch (error) {
    if (error instanceof UsageError) stderr(usageText(error, command, argv, width))
    else stderr(`ERROR: ${printable(describeError(error))}\n`)
    return error instanceof CofferError ? error.exitCode : 1
  }
}

/** Behind `--` there are only words. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return words.slice(0, end < 0 ? words.length : end).some((word) => word === '-h' || word === '--help')
}

const helpOption = { names: ['--help', '-h'], takes: 'flag', help: '' } as const

/** What needs no service: version, help, completion. */
async function answered(
  globals: Parsed,
  name: string | undefined,
  rest: readonly string[],
  { stdout, width }: Surroundings,
): Promise<boolean> {
  if (globals.args.has('version')) stdout(`${version()}\n`)
  else if (globals.args.has('help') || name === undefined || (name === 'help' && rest.length === 0)) {
    stdout(programHelp(commands, globalOptions, width))
  } else if (name === 'help') stdout(commandHelp(helpTopic(rest[0] ?? ''), width))
  else if (name === 'bash-completion' || name === 'bash_completion') {
    const { completionScript, completionWords } = await import('./completion.ts')
    const script = rest.includes('--script')
    stdout(
      script ? completionScript(commands, globalOptions) : `${completionWords(commands, globalOptions)}\n`,
    )
  } else return false
  return true
}

async function runCommand(
  command: Command,
  args: Arguments,
  settings: GlobalSettings,
  surroundings: Surroundings,
): Promise<void> {
  // Everything below the help is loaded only now: help and completion stay quick.
  const [{ openService }, { printer }, { waiting }, { progressTo }] = await Promise.all([
    import('./service/open.ts'),
    import('./output/printer.ts'),
    import('./wait/wait.ts'),
    import('./wait/progress.ts'),
  ])
  const clock = surroundings.clock ?? systemClock
  const service = await openService(settings, { ...surroundings, clock })
  const notice = (line: string) => surroundings.stderr(`${printable(line)}\n`)
  const progress = progressTo(surroundings.stderr, surroundings.terminal)
  const context: Context = {
    service,
    print: printer(surroundings.stdout, settings.flag('json')),
    wait: waiting({ service, clock, progress }),
    notice,
  }
  await command.run(context, args)
}

function knownCommand(name: string): Command {
  const command = findCommand(name)
  if (command !== undefined) return command
  throw new UsageError(`argument <subcommand>: invalid choice: '${name}'`, true, nearest(name))
}

function helpTopic(name: string): Command {
  const command = findCommand(name)
  if (command !== undefined) return command
  throw new CofferError('SUBCOMMAND_UNKNOWN', `'${name}' is not a valid subcommand`, {
    hint: nearest(name) ?? 'see "trove help"',
  })
}

function nearest(name: string): string | undefined {
  const near = closest(
    name,
    commands.map((command) => command.name),
  )
  return near.length === 0 ? undefined : `did you mean: ${near.join(', ')}?`
}

/** Usage, what is wrong, and where to read on: argparse's three parts. */
function usageText(
  error: UsageError,
  command: Command | undefined,
  argv: readonly string[],
  width: number,
): string {
  const whole = command === undefined || error.unrecognized
  const lines = [
    ...(whole ? programUsage(globalOptions, width) : commandUsage(command, width)),
    `error: ${printable(error.message)}`,
    `Try 'trove help ${whole ? '' : command.name}' for more information.`,
  ]
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`)
  const late = command === undefined ? undefined : misplaced(argv.slice(argv.indexOf(command.name) + 1))
  if (late !== undefined && error.unrecognized) {
    lines.push(`hint: ${late} goes before the subcommand: trove ${late} ${command?.name}`)
  }
  return `${lines.join('\n')}\n`
}

/** An option of the program that stands behind the subcommand. */
function misplaced(words: readonly string[]): string | undefined {
  const names = globalOptions.flatMap((option) => option.names)
  return words.map((word) => word.split('=')[0] ?? '').find((word) => names.includes(word))
}

function version(): string {
  const description = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return description.version
}
