import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'

const program = new URL(
  '../../../elements/database-guest/static/usr/lib/coffer/database-ready',
  import.meta.url,
).pathname

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'coffer-database-ready-'))
  await writeFile(join(directory, 'datastore'), 'NAME=mysql\nUNIT=mysql.service\n')
  await writeFile(join(directory, 'console'), 'half a line of the kernel')
})
afterEach(async () => {
  await rm(directory, { recursive: true })
})

async function makeProgram(name: string, body: string): Promise<void> {
  await writeFile(join(directory, name), `#!/bin/sh\n${body}\n`)
  await chmod(join(directory, name), 0o755)
}

/** The lines on the console after the announcement has ended. */
async function announce(): Promise<string[]> {
  await run(['sh', program], {
    env: {
      PATH: `${directory}:${process.env.PATH}`,
      COFFER_DATASTORE_DIR: directory,
      COFFER_CONSOLE: join(directory, 'console'),
    },
    timeoutMs: 15_000,
  })
  return (await readFile(join(directory, 'console'), 'utf8')).split('\n')
}

test('the version stands on a line of its own, as soon as the check succeeds', async () => {
  await makeProgram('systemctl', 'echo ActiveState=activating; echo SubState=start; echo Result=success')
  await makeProgram(
    'datastore-check',
    `echo x >>'${directory}/tries'; [ $(wc -l <'${directory}/tries') -ge 3 ] && echo 'MySQL 9.7.0'`,
  )
  expect(await announce()).toEqual(['half a line of the kernel', 'coffer: mysql ready: MySQL 9.7.0', ''])
})

test('a check that succeeds without saying a version is no proof', async () => {
  await makeProgram('systemctl', 'true')
  await makeProgram(
    'datastore-check',
    `echo x >>'${directory}/tries'; [ $(wc -l <'${directory}/tries') -lt 2 ] || echo 1.0`,
  )
  expect(await announce()).toContain('coffer: mysql ready: 1.0')
})

test('a failed unit is told once with its reason, and a later success still counts', async () => {
  await makeProgram(
    'systemctl',
    `if [ "$1" = show ]; then echo ActiveState=failed; echo SubState=failed; echo Result=exit-code; echo ExecMainStatus=2; fi`,
  )
  await makeProgram('journalctl', "echo 'No space left on device'")
  await makeProgram('sleep', 'exit 0')
  await makeProgram(
    'datastore-check',
    `echo x >>'${directory}/tries'; [ $(wc -l <'${directory}/tries') -ge 30 ] && echo 9.7`,
  )
  expect((await announce()).filter((line) => line.startsWith('coffer:'))).toEqual([
    'coffer: mysql failed: mysql.service: exit-code, status 2: No space left on device',
    'coffer: mysql ready: 9.7',
  ])
})
