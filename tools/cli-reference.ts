// Writes docs/reference/cli.md from the option tables, the commands' own tables, and what the others say about themselves.
import { readFileSync, writeFileSync } from 'node:fs'
import { cacheOptions } from '../builder/cli/cache-command.ts'
import { lockUsage } from '../builder/cli/lock-command.ts'
import { buildImageOptions } from '../builder/request/build-image-options.ts'
import { type BuildOption, buildOptions } from '../builder/request/options.ts'
import { run } from '../lib/exec.ts'
import { inlineCode, markdownTable, plainText } from './markdown.ts'
import { serviceCommands } from './service-commands-reference.ts'

/** Where the page stands in the repository. */
export const CLI_PAGE = new URL('../docs/reference/cli.md', import.meta.url)

/** The page: every command of builder/bin and runtime/bin but trove, its options or its usage. */
export async function cliPage(): Promise<string> {
  return `<!-- Made by tools/cli-reference.ts from builder/request/, runtime/cli/ and the commands. Change those, then run make docs. -->
# Commands

Commands that build images are in \`builder/bin\`, those that register them and run instances in \`runtime/bin\`; \`trove\` has
[a page of its own](trove.md).

The first four take options and words in any order, \`--option value\` and
\`--option=value\`, long options shortened to a unique beginning, and \`--\` as the end of options. Exit statuses are in
[the guide to CI](../guide/ci.md#exit-statuses), error codes in [errors.md](errors.md), variables in [phases.md](phases.md).

## build-image

\`build-image [OPTION]... DATASTORE\` builds a bootable image of a database server. [datastores.md](datastores.md) lists the
datastores.

${optionTable(buildImageOptions)}

### build-image cache

\`build-image cache ls | prune | verify [OPTION]...\` looks after [the step cache](../guide/build-images.md#build-only-what-has-changed):
lists what is in it, deletes from it, or reads all of it and deletes what is damaged (exit status 1).

${optionTable(cacheOptions)}

### build-image lock

\`\`\`
${lockUsage.trimEnd()}
\`\`\`

## disk-image-create

\`disk-image-create [OPTION]... ELEMENT...\` builds an image from elements: DIB's command. One of the elements must bring an
operating system.

${optionTable(buildOptions)}

\`ramdisk-image-create\` starts from the element \`ramdisk\` (or \`--ramdisk-element\`) and has the same options, except that its
help leaves out ${buildOptions
    .filter((option) => option.diskOnly === true)
    .map(({ names }) => inlineCode(names.join(', ')))
    .join(' and ')}.

${(await Promise.all(otherCommands().map(usageSection))).join('\n')}
${serviceCommands()}`
}

function optionTable(options: readonly BuildOption[]): string {
  return markdownTable(
    ['Option', 'Meaning'],
    options.map(({ names, placeholder, help, ours }) => [
      inlineCode(`${names.join(', ')}${placeholder === undefined ? '' : ` ${placeholder}`}`),
      `${plainText(help)}${ours === true ? ' (not in DIB)' : ''}`,
    ]),
  )
}

/** The builder's commands of package.json whose usage is a text of their own. */
function otherCommands(): string[] {
  const description = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    bin: Record<string, string>
  }
  const tables = new Set(['build-image', 'disk-image-create', 'ramdisk-image-create'])
  return Object.entries(description.bin)
    .filter(([name, path]) => path.startsWith('builder/') && !tables.has(name))
    .map(([name]) => name)
}

/** What a command prints about its use: `--help`, or no argument at all for a command that knows no options. */
async function usageSection(name: string): Promise<string> {
  const program = new URL(`../builder/bin/${name}`, import.meta.url).pathname
  // A width and a place of the reader's own would change the page.
  const settings = { check: false, env: { PATH: process.env.PATH } } as const
  const help = await run([program, '--help'], settings)
  const text = help.exitCode === 0 ? help.stdout : (await run([program], settings)).stderr
  if (!/^usage:/im.test(text)) throw new Error(`${name} does not say how it is used: ${text}`)
  return `## ${name}\n\n\`\`\`\n${text.trimEnd()}\n\`\`\`\n`
}

if (import.meta.main) writeFileSync(CLI_PAGE, await cliPage())
