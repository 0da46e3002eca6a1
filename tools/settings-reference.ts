// Writes docs/reference/settings.md from the tables of options in runtime/settings/. A golden test keeps the page current.
import { writeFileSync } from 'node:fs'
import { datastoreOptions, MANAGERS } from '../runtime/settings/datastore-options.ts'
import type { Option } from '../runtime/settings/option.ts'
import { options, qemuOptions } from '../runtime/settings/options.ts'
import { inlineCode, markdownTable } from './markdown.ts'

/** Where the page stands in the repository. */
export const SETTINGS_PAGE = new URL('../docs/reference/settings.md', import.meta.url)

/** The page: every option of the services, section by section. */
export function settingsPage(): string {
  const plain = [...Object.values(options), ...Object.values(qemuOptions)] as Option<unknown>[]
  const sections = Map.groupBy(plain, ({ section }) => section)
  return `<!-- Made by tools/settings-reference.ts from runtime/settings/. Change those, then run make docs. -->
# Settings

The services read \`/etc/trove/trove.conf\` and \`trove.conf\` in the state directory, in this order. \`--config-file\` (repeated)
names other files in their place, and \`--config-dir\` a directory whose \`*.conf\` are read after them, by name. The last one that
sets an option wins; an option of the command line goes before all files.

The state directory is \`COFFER_STATE_DIR\`; without it \`/var/lib/coffer\` for root, and \`$XDG_STATE_HOME/coffer\` or
\`~/.local/state/coffer\` for others.

\`\`\`ini
[DEFAULT]
# A comment stands on a line of its own.
bind_port = 8779
max_instances_per_tenant = 20

[mysql]
tcp_ports = 3306
usage_timeout = 3600
\`\`\`

The files are those of Trove, and its names work: \`$option\` and \`\${section.option}\` stand for another option's value, \`$$\` for
a dollar, a line that starts with white space continues the one before, quotes around a whole value are taken off, lists have
commas. Earlier spellings are read too. Options that nobody knows are ignored; a value that cannot be is an error that names
file, section and option.

${[...sections].map(([name, all]) => section(`[${name}]`, all)).join('\n')}
## A datastore's section

Each datastore manager has a section of its name: ${MANAGERS.map((name) => inlineCode(`[${name}]`)).join(', ')}. All have these options:

${table(Object.values(datastoreOptions('mysql')) as Option<unknown>[], (option) => (sameForAll(option.name) ? defaultOf(option) : 'see below'))}

Where the defaults differ:

${markdownTable(
  ['Section', 'Option', 'Default'],
  MANAGERS.flatMap((manager) =>
    (Object.values(datastoreOptions(manager)) as Option<unknown>[])
      .filter(({ name }) => !sameForAll(name))
      .filter((option) => defaultOf(option) !== '')
      .map((option) => [inlineCode(`[${manager}]`), inlineCode(option.name), defaultOf(option)]),
  ),
)}
`
}

function section(title: string, all: readonly Option<unknown>[]): string {
  return `## ${title}\n\n${table(all, defaultOf)}\n`
}

function table(all: readonly Option<unknown>[], fallback: (option: Option<unknown>) => string): string {
  return markdownTable(
    ['Option', 'Type', 'Default', 'Meaning', 'Also read from'],
    all.map((option) => [
      inlineCode(option.name),
      option.type.name.replaceAll('|', 'or'),
      fallback(option),
      option.help,
      (option.older ?? []).map((old) => inlineCode(`[${old.section}] ${old.name}`)).join(', '),
    ]),
  )
}

function defaultOf(option: Option<unknown>): string {
  const text = option.defaultText ?? option.type.print(option.default)
  return text === '' ? '' : inlineCode(text)
}

function sameForAll(name: string): boolean {
  const defaults = MANAGERS.map((manager) =>
    (Object.values(datastoreOptions(manager)) as Option<unknown>[])
      .filter((option) => option.name === name)
      .map(defaultOf)
      .join(),
  )
  return new Set(defaults).size === 1
}

if (import.meta.main) writeFileSync(SETTINGS_PAGE, settingsPage())
