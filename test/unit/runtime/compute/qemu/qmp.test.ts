import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { layoutOf } from '../../../../../runtime/compute/qemu/layout.ts'
import { openQmp } from '../../../../../runtime/compute/qemu/qmp/client.ts'
import { queryName, queryStatus, resetMachine } from '../../../../../runtime/compute/qemu/qmp/commands.ts'
import { encodeCommand, messageReader } from '../../../../../runtime/compute/qemu/qmp/wire.ts'
import { withSession } from '../../../../../runtime/compute/qemu/session.ts'

describe('the wire', () => {
  const lines = [
    '{"QMP": {"version": {}, "capabilities": []}}',
    '{"id": 1, "return": {"status": "running"}}',
    '{"timestamp": {"seconds": 1}, "event": "RESET", "data": {"guest": true}}',
    '{"id": 2, "error": {"class": "GenericError", "desc": "no"}}',
  ]
  const whole = messageReader().push(`${lines.join('\r\n')}\n`)

  test('every message is told by its kind', () => {
    expect(whole.map(({ kind }) => kind)).toEqual(['greeting', 'answer', 'event', 'answer'])
    expect(whole[2]).toMatchObject({ event: 'RESET', data: { guest: true } })
    expect(whole[3]).toMatchObject({ id: 2, error: { desc: 'no' } })
  })

  test('it does not matter where the stream is cut', () => {
    const text = `${lines.join('\n')}\n`
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (places) => {
        const cuts = [0, ...places.sort((a, b) => a - b), text.length]
        const reader = messageReader()
        const got = cuts.slice(1).flatMap((end, n) => reader.push(text.slice(cuts[n], end)))
        expect(got).toEqual(whole)
      }),
    )
  })

  test('what no QEMU sends is refused, and so is a line without end', () => {
    for (const line of ['nonsense', '[]', '"text"', '{}', '{"id": "1"}', 'null']) {
      expect(() => messageReader().push(`${line}\n`)).toThrow(expect.objectContaining({ code: 'QMP_BROKEN' }))
    }
    const reader = messageReader()
    reader.push('x'.repeat(1024 * 1024))
    expect(() => reader.push('x')).toThrow(expect.objectContaining({ code: 'QMP_BROKEN' }))
  })

  test('a command is one line, whatever its arguments hold', () => {
    const line = encodeCommand(7, 'human-monitor-command', { 'command-line': 'info\nquit' })
    expect(line.trimEnd()).not.toContain('\n')
    expect(JSON.parse(line)).toEqual({
      execute: 'human-monitor-command',
      id: 7,
      arguments: { 'command-line': 'info\nquit' },
    })
  })
})

describe('a session', () => {
  let directory: string
  let server: Server
  let path: string
  let peer: Socket | undefined
  let asked: string[]
  /** How the stand-in for QEMU answers a command; undefined: not at all. */
  let answer: (command: string) => unknown

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'qmp-test-'))
    path = join(directory, 'qmp.sock')
    asked = []
    answer = () => ({})
    server = createServer((socket) => {
      peer = socket
      socket.on('error', () => undefined)
      socket.write('{"QMP": {}}\n')
      socket.setEncoding('utf8')
      socket.on('data', (text: string) => {
        for (const line of text.trim().split('\n')) {
          const { execute, id } = JSON.parse(line) as { execute: string; id: number }
          asked.push(execute)
          const value = answer(execute)
          if (execute === 'system_reset') socket.write('{"event": "RESET"}\n')
          if (value !== undefined) socket.write(`${JSON.stringify({ id, return: value })}\n`)
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
  })
  afterEach(async () => {
    peer?.destroy()
    server.close()
    await rm(directory, { recursive: true })
  })

  test('agrees on capabilities before it asks anything', async () => {
    answer = (command) => (command === 'query-name' ? { name: 's1' } : { status: 'running' })
    const session = await openQmp(path)
    expect([await queryName(session), await queryStatus(session)]).toEqual(['s1', 'running'])
    expect(asked).toEqual(['qmp_capabilities', 'query-name', 'query-status'])
    session.close()
  })

  test('a reset sets a stopped machine going again, and leaves a running one alone', async () => {
    const session = await openQmp(path)
    answer = () => ({ status: 'guest-panicked' })
    await resetMachine(session)
    expect(asked.slice(1)).toEqual(['query-status', 'system_reset', 'cont'])
    answer = () => ({ status: 'running' })
    await resetMachine(session)
    expect(asked.slice(4)).toEqual(['query-status', 'system_reset'])
    session.close()
  })

  test('does not wait for ever for an answer, nor for one that cannot come any more', async () => {
    const session = await openQmp(path, 200)
    answer = () => undefined
    await expect(queryStatus(session)).rejects.toMatchObject({ code: 'QMP_TIMED_OUT', retryable: true })
    const waiting = queryStatus(session)
    peer?.destroy()
    await expect(waiting).rejects.toMatchObject({ code: 'QMP_CLOSED' })
    await expect(queryStatus(session)).rejects.toMatchObject({ code: 'QMP_CLOSED' })
  })

  test('ends at the first line that is not QMP', async () => {
    const session = await openQmp(path)
    answer = () => undefined
    const waiting = queryStatus(session)
    peer?.write('nonsense\n')
    await expect(waiting).rejects.toMatchObject({ code: 'QMP_BROKEN' })
  })

  test('with nobody there is refused at once', async () => {
    await expect(openQmp(join(directory, 'none'))).rejects.toMatchObject({ code: 'QMP_UNREACHABLE' })
  })
})

describe('a control socket lies where a hostile QEMU can write, so', () => {
  let stateDir: string
  beforeEach(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'qmp-session-test-'))
    await mkdir(join(stateDir, 'instances/s1/work'), { recursive: true })
  })
  afterEach(() => rm(stateDir, { recursive: true }))
  const unasked = async () => {
    throw new Error('asked')
  }

  test('a link to somewhere else is not followed', async () => {
    const paths = layoutOf(stateDir).server('s1')
    await symlink('/run/other/qmp.sock', paths.qmpSocket)
    await expect(withSession(paths, 's1', unasked)).rejects.toMatchObject({ code: 'QMP_BROKEN' })
  })

  test('one that answers with another server’s name is asked nothing', async () => {
    const paths = layoutOf(stateDir).server('s1')
    const server = createServer((socket) => {
      socket.write('{"QMP": {}}\n')
      socket.setEncoding('utf8')
      socket.on('error', () => undefined)
      socket.on('data', (text: string) => {
        const { id } = JSON.parse(text) as { id: number }
        socket.write(`${JSON.stringify({ id, return: { name: 's2' } })}\n`)
      })
    })
    await new Promise<void>((resolve) => server.listen(paths.qmpSocket, resolve))
    await expect(withSession(paths, 's1', unasked)).rejects.toMatchObject({ code: 'QMP_BROKEN' })
    server.close()
  })
})
