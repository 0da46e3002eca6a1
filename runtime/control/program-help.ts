import type { ProgramName } from './services.ts'

const WHAT: Readonly<Record<ProgramName, string>> = {
  coffer: 'Runs the whole control plane in the foreground. Users start it with: coffer up',
  'trove-api':
    'Runs the API; with it the identity, unless auth_url names a Keystone, and the message hub, unless transport_url names RabbitMQ.',
  'trove-taskmanager': 'Runs a task manager. Any number of them may run at a time.',
  'trove-conductor': 'Runs a conductor: it keeps what guests report. Any number of them may run at a time.',
}

/** The text of `--help`. */
export const programHelp = (
  program: ProgramName,
): string => `Usage: ${program} [--config-file FILE]... [--config-dir DIRECTORY]...

${WHAT[program]}

It runs until SIGTERM or SIGINT and logs JSON lines to standard output. Settings come from /etc/trove/trove.conf and
trove.conf in the state directory, or from the files named here. COFFER_STATE_DIR names the state directory.
`
