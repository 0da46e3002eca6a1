import type { OptionSpec } from './arguments/types.ts'
import type { Command } from './commands/types.ts'

/** All words that can be completed, on one line: what bash completion of the client of OpenStack reads. */
export function completionWords(commands: readonly Command[], globals: readonly OptionSpec[]): string {
  const words = new Set([
    ...commands.map(({ name }) => name),
    ...commands.flatMap(({ options = [] }) => options.flatMap(({ names }) => names)),
    ...globals.flatMap(({ names }) => names),
    'help',
  ])
  return [...words].sort().join(' ')
}

/** A script for bash: subcommands and global options first, then the options of the subcommand that was typed. */
export function completionScript(commands: readonly Command[], globals: readonly OptionSpec[]): string {
  const cases = commands
    .filter(({ options = [] }) => options.length > 0)
    .map(
      ({ name, options = [] }) =>
        `        ${name}) words='${options.flatMap(({ names }) => names).join(' ')}' ;;`,
    )
  const names = commands.map(({ name }) => name).sort()
  const valued = globals.filter(({ takes }) => takes !== 'flag').flatMap((option) => option.names)
  return `# Completion of trove for bash: source <(trove bash-completion --script)
_trove() {
    local at command='' words=''
    for ((at = 1; at < COMP_CWORD; at++)); do
        case "\${COMP_WORDS[at]}" in
        ${valued.join('|')}) ((at++)) ;;
        -*) ;;
        *)
            command=\${COMP_WORDS[at]}
            break
            ;;
        esac
    done
    case "$command" in
        '') words='${names.join(' ')} help bash-completion ${globals.flatMap((option) => option.names).join(' ')}' ;;
        help) words='${names.join(' ')}' ;;
${cases.join('\n')}
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -F _trove trove
`
}
