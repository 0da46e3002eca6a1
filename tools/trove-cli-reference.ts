// Writes docs/reference/trove.md from the table of subcommands. A golden test keeps the page current.
import { writeFileSync } from 'node:fs'
import { globalOptions } from '../runtime/cli/trove/arguments/global-options.ts'
import { commandUsage, optionInList } from '../runtime/cli/trove/arguments/help.ts'
import type { OptionSpec } from '../runtime/cli/trove/arguments/types.ts'
import { commands } from '../runtime/cli/trove/commands/index.ts'
import type { Command, CommandGroup } from '../runtime/cli/trove/commands/types.ts'
import { inlineCode, markdownTable, plainText } from './markdown.ts'

/** Where the page stands in the repository. */
export const TROVE_PAGE = new URL('../docs/reference/trove.md', import.meta.url)

/** The page: global options, every subcommand, and what differs from the client of OpenStack. */
export function trovePage(): string {
  const groups = [...new Set(commands.map(({ group }) => group))]
  return `<!-- Made by tools/trove-cli-reference.ts from runtime/cli/trove/. Change that, then run make docs. -->
# trove

\`trove [option]... <subcommand> [argument]...\` manages database instances through the API of Trove: that of Coffer, or of any
OpenStack. Options before the subcommand say who asks and how results look; words and options behind it may come in any order,
as \`--option value\` or \`--option=value\`, shortened to a unique beginning, with \`-\` or \`_\` inside a name. \`--\` ends the options:
what begins with a dash behind it is a word. Wherever an instance, flavor, backup, cluster or configuration group is meant, its name
will do for its id.

Results go to the output stream, as a table or with \`--json\` as JSON; progress, notices and errors to the error stream. The exit
status is 0, 1 when the service refused or something failed (\`ERROR: …\`), 2 for a mistake on the command line.

## Options and variables

${markdownTable(
  ['Option', 'Variables', 'Meaning'],
  globalOptions.map((option) => [
    inlineCode(optionInList(option)),
    (option.env ?? []).map(inlineCode).join(' '),
    plainText(option.help),
  ]),
)}

A project is called tenant in older variables. An option wins over its variables, and the first variable that is set over the others.
The token stays in memory. With \`--os-auth-token\` and \`--bypass-url\` together the identity service is not asked at all.

\`source <(trove bash-completion --script)\` completes subcommands and options in bash.

${groups.map(groupSection).join('\n')}
${DIFFERENCES}`
}

function groupSection(group: CommandGroup): string {
  const own = commands.filter((command) => command.group === group)
  return `## ${group}\n\n${own.map(commandSection).join('\n')}`
}

function commandSection(command: Command): string {
  const rows = [
    ...(command.positionals ?? []).map(({ name, help }) => [inlineCode(`<${name}>`), plainText(help)]),
    ...(command.options ?? []).map((option) => [inlineCode(optionInList(option)), optionHelp(option)]),
  ]
  const aliases = (command.aliases ?? []).map(inlineCode).join(', ')
  return [
    `### ${command.name}\n`,
    `${plainText(command.help)}${aliases === '' ? '' : ` Also called ${aliases}.`}\n`,
    `\`\`\`\n${commandUsage(command, 100).join('\n')}\n\`\`\`\n`,
    ...(rows.length === 0 ? [] : [`${markdownTable(['Argument', 'Meaning'], rows)}\n`]),
  ].join('\n')
}

function optionHelp({ help, ours }: OptionSpec): string {
  return `${plainText(help)}${ours === true ? " (not in OpenStack's client)" : ''}`
}

const DIFFERENCES = `## What differs from OpenStack's client

Side by side with python-troveclient 8.0.0 (a test keeps the tables of both equal where nothing is said here):

- Text in tables is text: 8.0.0 prints \`b'm1'\`. Errors likewise.
- The tables of instances have the columns and rows of the book. 8.0.0 adds a column \`Region\` and rows for whatever else the service
  says; \`--json\` shows all of it here too.
- \`trove --json show\` of anything but an instance prints the object as the service sent it, as the book does for datastores; 8.0.0
  flattens it.
- \`user-show\` lists databases as \`user-list\` does; rows \`links\` are left out everywhere.
- Characters of East Asian scripts take two columns, and control characters in names are written out.
- \`list\`, \`backup-list\`, \`cluster-list\` and \`configuration-list\` fetch every page unless \`--limit\` is given.
- \`--users name:password\` divides at the first colon, so a password may have colons.
- Names of members of clusters work (\`cluster-shrink mongo1 mongo1-rs1-1\`), and names of flavors whose id is no number.
- Two objects of one name are an error that gives their ids, instead of "No … exists".
- \`update\` and \`detach-replica\` work; in 8.0.0 they end with an \`AttributeError\`.
- \`configuration-create\` and the others send every digit of large numbers.
- \`cluster-create --instance\` takes the book's \`flavor_id=\` as well as \`flavor=\`.
- A name such as \`..\` or an empty one is refused: as part of a URL it would mean another object.
- \`delete\` says what was accepted on the error stream; the book's prints nothing, and the output stream stays empty.
- \`--wait\` and \`--wait-timeout\` are ours.
- \`schedule-*\`, \`execution-*\`, \`module-*\`, \`volume-type-*\`, \`cluster-modules\`, \`log-tail\` and \`log-save\` are not there: they need Mistral,
  Swift or routes that the service does not have. \`backup-copy\` and \`metadata-*\` are there because the book lists them; a service
  without them answers with its own fault.
`

if (import.meta.main) writeFileSync(TROVE_PAGE, trovePage())
