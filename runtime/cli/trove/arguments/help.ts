import type { Command } from '../commands/types.ts'
import type { OptionSpec, PositionalSpec } from './types.ts'
import { twoColumns, wrap } from './wrap.ts'

/** Where texts begin when names are long, as in the book's Appendix B. */
const TEXT_AT = 34

/** `usage: trove …` of one subcommand: on one line when it fits, else the words first and the options below. */
export function commandUsage(command: Command, width: number): string[] {
  const head = `usage: trove ${command.name}`
  const words = (command.positionals ?? []).map(wordInUsage)
  const options = (command.options ?? []).map(optionInUsage)
  const short = [head, ...options, ...words].join(' ')
  if (short.length <= width) return [short]
  const pad = ' '.repeat(head.length + 1)
  const first = [head, ...words].join(' ')
  return words.length === 0
    ? flow(options, head, pad, width)
    : [first, ...flow(options, pad.slice(1), pad, width)]
}

/** The whole help of one subcommand. */
export function commandHelp(command: Command, width: number): string {
  const words = (command.positionals ?? []).map(({ name, help }): [string, string] => [`<${name}>`, help])
  const options = (command.options ?? []).map((option): [string, string] => [
    optionInList(option),
    option.help,
  ])
  const longest = Math.max(0, ...[...words, ...options].map(([name]) => name.length))
  const layout = { indent: 2, width, textAt: Math.min(longest + 4, TEXT_AT) }
  return [
    ...commandUsage(command, width),
    '',
    ...wrap(command.help, width),
    ...section('Positional arguments:', twoColumns(words, layout)),
    ...section('Optional arguments:', twoColumns(options, layout)),
    '',
  ].join('\n')
}

/** `usage: trove [options] <subcommand> ...` of the program. */
export function programUsage(options: readonly OptionSpec[], width: number): string[] {
  const head = 'usage: trove'
  return flow(
    [...options.map(optionInUsage), '<subcommand>', '...'],
    head,
    ' '.repeat(head.length + 1),
    width,
  )
}

/** The whole help of the program: usage, subcommands by name, options. */
export function programHelp(
  commands: readonly Command[],
  options: readonly OptionSpec[],
  width: number,
): string {
  const layout = { indent: 4, width, textAt: TEXT_AT }
  const rows = [...commands]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, help }): [string, string] => [name, help])
  const extra: [string, string][] = [
    ['bash-completion', 'Prints the words that a shell can complete (--script: a script for bash).'],
    ['help', 'Prints this help, or that of a subcommand.'],
  ]
  return [
    ...programUsage(options, width),
    '',
    'Manages database instances through the API of Trove.',
    ...section('Positional arguments:', ['  <subcommand>', ...twoColumns([...rows, ...extra], layout)]),
    ...section(
      'Optional arguments:',
      twoColumns(
        options.map((option) => [optionInList(option), helpWithVariables(option)]),
        { ...layout, indent: 2 },
      ),
    ),
    '',
    'See "trove help COMMAND" for help on a specific command.',
    '',
  ].join('\n')
}

/** The help of a global option with the variables that stand for it. */
export function helpWithVariables({ help, env = [] }: OptionSpec): string {
  return env.length === 0 ? help : `${help} Or env[${env.join('], env[')}].`
}

/** As in the list of options: all spellings with what follows. */
export function optionInList(option: OptionSpec): string {
  return option.names.map((name) => `${name}${valueInUsage(option)}`).join(', ')
}

function optionInUsage(option: OptionSpec): string {
  return `[${option.names[0]}${valueInUsage(option)}]`
}

function valueInUsage({ takes, metavar = '<value>' }: OptionSpec): string {
  if (takes === 'flag') return ''
  return takes === 'many' ? ` ${metavar} [${metavar} ...]` : ` ${metavar}`
}

function wordInUsage({ name, many, optional }: PositionalSpec): string {
  if (optional === true) return `[<${name}>]`
  return many === true ? `<${name}> [<${name}> ...]` : `<${name}>`
}

/** Puts whole parts, which may contain blanks, on lines. */
function flow(parts: readonly string[], head: string, pad: string, width: number): string[] {
  const lines: string[] = []
  let line = head
  for (const part of parts) {
    const fresh = line.trim() === '' || line === head
    if (!fresh && line.length + 1 + part.length > width) {
      lines.push(line)
      line = pad + part
    } else {
      line += ` ${part}`
    }
  }
  return [...lines, line]
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines]
}
