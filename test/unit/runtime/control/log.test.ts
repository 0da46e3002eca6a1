import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openServiceLog } from '../../../../runtime/control/log.ts'
import { formatLogLine, isOfService } from '../../../../runtime/control/log-line.ts'
import { ownDirectory } from './support.ts'

describe('the log', () => {
  test('is one JSON object a line, closed to others, and without secrets wherever they come from', async () => {
    const file = join(await ownDirectory(), 'log', 'coffer.log')
    const shown: string[] = []
    const { log, close } = await openServiceLog(file, (line) => shown.push(line))
    log.child({ service: 'api' }).info({ password: 'hush1', user: { password: 'hush2' }, n: 1 }, 'one')
    log.warn(
      { req: { headers: { 'x-auth-token': 'hush3', host: 'h' } }, transportUrl: 'coffer://a:hush4@h' },
      'two',
    )
    close()
    const text = await readFile(file, 'utf8')
    expect(text).not.toContain('hush')
    expect(shown.join('')).toBe(text)
    const [one, two] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(one).toMatchObject({ level: 'info', service: 'api', n: 1, msg: 'one', pid: process.pid })
    expect(one.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(two).toMatchObject({ level: 'warn', req: { headers: { host: 'h' } }, msg: 'two' })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })
})

describe('a line for people', () => {
  test('has time, level, service, sentence and the fields', () => {
    const line = JSON.stringify({
      level: 'info',
      time: '2026-11-23T12:00:01.000Z',
      pid: 7,
      service: 'api',
      method: 'GET',
      status: 200,
      msg: 'request',
    })
    expect(formatLogLine(line)).toBe('12:00:01 INFO  api         request method=GET status=200')
  })

  test('shows the stack of an error below it', () => {
    const line = JSON.stringify({
      level: 'error',
      time: '2026-11-23T12:00:01.000Z',
      service: 'api',
      msg: 'failed',
      err: { message: 'm', stack: 'E: m\n  at x' },
    })
    expect(formatLogLine(line).split('\n')).toEqual([
      '12:00:01 ERROR api         failed',
      '         E: m',
      '           at x',
    ])
  })

  test('is one line whatever a guest or a user wrote into its fields, and moves no cursor', () => {
    const line = JSON.stringify({
      level: 'warn',
      time: '2026-11-23T12:00:01.000Z',
      service: 'conductor',
      msg: 'odd',
      reason: 'x\n12:00:02 INFO  api         all is well\u001b[1A\u001b[2K',
    })
    const shown = formatLogLine(line)
    expect(shown.split('\n')).toHaveLength(1)
    expect(shown).not.toContain('\u001b')
  })

  test('is shown as it is when it is no JSON', () => {
    expect(formatLogLine('Segmentation fault')).toBe('Segmentation fault')
    expect(isOfService('Segmentation fault', undefined)).toBe(true)
    expect(isOfService('{"service":"api"}', 'api')).toBe(true)
    expect(isOfService('{"service":"api"}', 'conductor')).toBe(false)
  })
})
