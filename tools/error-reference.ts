// Writes docs/reference/errors.md from the sources. A golden test keeps the page current.
import { writeFileSync } from 'node:fs'
import { FAULTS } from '../runtime/model/faults.ts'
import { markdownTable, plainText } from './markdown.ts'
import { collectErrors } from './thrown-errors-reference.ts'

const page = new URL('../docs/reference/errors.md', import.meta.url)

/** The page: code, messages and files of every error the sources construct. */
export function errorTable(): string {
  const rows = [...collectErrors().entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { messages, files }]) => [
      `\`${code}\``,
      (messages.size === 0 ? ['…'] : [...messages].map(plainText)).join('<br>'),
      [...files].sort().join('<br>'),
    ])
  const faults = Object.entries(FAULTS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { status, text }]) => [
      `\`${code}\``,
      String(status),
      plainText(text.replace(/%\(\w+\)s/g, '…')),
    ])
  return `<!-- Made by tools/error-reference.ts from the sources. Change those, then run make docs. -->
# Errors

Every error that a program can rely on has a code. Tools print the message and, where something can be done, a line
\`hint: …\`; \`--monitor json\` reports both and the code in the event \`failed\` ([events](../guide/ci.md#events)). An error without
a code is reported as \`INTERNAL_ERROR\`: that is a defect of ours. \`…\` stands for a name, a path, a number or a reason.

${markdownTable(['Code', 'Message', 'Where it comes from'], rows)}

## Faults of the API

What the database service answers, in OpenStack's form \`{"badRequest": {"code": 400, "message": …}}\`. Statuses are Trove's own.

${markdownTable(['Code', 'Status', 'Message'], faults)}
`
}

if (import.meta.main) writeFileSync(page, errorTable())
