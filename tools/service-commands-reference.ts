// The part of docs/reference/cli.md on the commands that register images and run instances.
import type { Command } from 'commander'
import { cofferCommand } from '../runtime/cli/coffer/command.ts'
import { MANAGE_COMMANDS } from '../runtime/cli/trove-manage/main.ts'
import { programHelp } from '../runtime/control/program-help.ts'
import { PROGRAMS, type ProgramName } from '../runtime/control/services.ts'
import { inlineCode, markdownTable, plainText } from './markdown.ts'

/** The sections of coffer, trove-manage and the services that run as programs of their own. */
export function serviceCommands(): string {
  // `coffer` names the whole control plane here; as a program it is started by coffer up.
  const programs = (Object.keys(PROGRAMS) as ProgramName[]).filter((name) => name !== 'coffer')
  return [cofferSection(), manageSection(), ...programs.map(programSection)].join('\n')
}

function cofferSection(): string {
  const coffer = cofferCommand(() => undefined)
  const about = `${plainText(coffer.description())} [The guide](../guide/run-instances.md) shows it at work.`
  return `## coffer\n\n${about}\n${words(coffer)}\n${below(coffer, 'coffer').join('\n')}`
}

/** Sections of a command's subcommands and of theirs; one that only holds others has none. */
function below(command: Command, name: string): readonly string[] {
  return command.commands.flatMap((sub) => {
    const whole = `${name} ${sub.name()}`
    if (sub.commands.length > 0) return below(sub, whole)
    return [`### ${whole}\n\n${sentence(sub.description())}\n${words(sub)}`]
  })
}

/** A command's arguments and options, as commander knows them; nothing where there are none. */
function words(command: Command): string {
  const rows = [
    ...command.registeredArguments.map((argument) => {
      const name = argument.variadic ? `${argument.name()}...` : argument.name()
      return [inlineCode(argument.required ? `<${name}>` : `[${name}]`), plainText(argument.description)]
    }),
    ...command.options.map(({ flags, description, defaultValue }) => [
      inlineCode(flags),
      `${plainText(description)}${defaultValue === undefined ? '' : ` (default ${String(defaultValue)})`}`,
    ]),
  ]
  return rows.length === 0 ? '' : `\n${markdownTable(['Word', 'Meaning'], rows)}\n`
}

function manageSection(): string {
  const commands = MANAGE_COMMANDS.map(({ name, summary, positionals, options = [] }) => {
    const line = [
      name,
      ...positionals.map((word) => `<${word.name}>`),
      ...options.map((one) => `[--${one.name} …]`),
    ]
    const rows = [
      ...positionals.map((word) => [inlineCode(`<${word.name}>`), plainText(word.help)]),
      ...options.map((one) => [inlineCode(`--${one.name} <${one.name}>`), plainText(one.help)]),
    ]
    const table = rows.length === 0 ? '' : `\n${markdownTable(['Word', 'Meaning'], rows)}\n`
    return `### trove-manage ${name}\n\n\`trove-manage ${line.join(' ')}\`: ${plainText(summary)}\n${table}`
  })
  return `## trove-manage

Administers the infrastructure database: datastores, versions, parameters, quotas. The services need not run. Before the
subcommand, \`--config-file FILE\` names a configuration file; it may repeat, and later ones win. The exit status is 0, 1 when it was
refused, 2 for a mistake on the command line.

${commands.join('\n')}`
}

function programSection(name: ProgramName): string {
  return `## ${name}\n\n\`\`\`\n${programHelp(name).trimEnd()}\n\`\`\`\n`
}

const sentence = (text: string): string => `${plainText(text.charAt(0).toUpperCase() + text.slice(1))}.`
