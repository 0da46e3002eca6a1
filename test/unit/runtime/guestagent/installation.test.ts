import { expect, test } from 'vitest'
import { install } from '../../../../runtime/guestagent/installation.ts'
import { fault } from '../../../../runtime/model/faults.ts'
import type { PrepareArgs } from '../../../../runtime/rpc/guest-methods.ts'
import { silentLog } from '../../../../runtime/transport/log.ts'
import { memoryState, notingManager, notingReporter } from './stage.ts'

const ARGS: PrepareArgs = {
  memory_mb: 512,
  packages: [],
  databases: [{ _name: 'one' }],
  users: [{ _name: 'fred', _host: '%', _password: 'pw', _databases: [{ _name: 'one' }] }],
  config_contents: '',
}

test('prepare reports building first, then what the engine says, and makes databases before users', async () => {
  const { manager, asked, note } = notingManager()
  const full = {
    ...manager,
    databases: { create: note('database'), delete: note('-'), list: async () => [[], null] as const },
    users: {
      create: note('user'),
      delete: note('-'),
      list: async () => [[], null] as const,
      get: async () => null,
      changePasswords: note('-'),
      updateAttributes: note('-'),
    },
  }
  const state = memoryState()
  const { reporter, told } = notingReporter()
  await install(ARGS, { manager: full, state, reporter, log: silentLog })
  expect(asked.map((line) => line.split(' ')[0])).toEqual(['prepare', 'database', 'user'])
  expect(told).toEqual(['building', 'running'])
  expect(state.installation()).toEqual({ stage: 'prepared' })
})

test('a prepared guest is not prepared again: its data stays as it is', async () => {
  const { manager, asked } = notingManager()
  const { reporter, told } = notingReporter()
  await install(ARGS, { manager, state: memoryState({ stage: 'prepared' }), reporter, log: silentLog })
  expect(asked).toEqual([])
  expect(told).toEqual(['running'])
})

test('an interrupted prepare is finished by its copy, whatever the first run had done', async () => {
  const { manager, asked, note } = notingManager()
  const full = {
    ...manager,
    databases: {
      create: async () => {
        throw fault('DATABASE_ALREADY_EXISTS', { name: 'one' })
      },
      delete: note('-'),
      list: async () => [[], null] as const,
    },
    users: {
      create: async () => {
        throw fault('USER_ALREADY_EXISTS', { name: 'fred' })
      },
      delete: note('-'),
      list: async () => [[], null] as const,
      get: async () => null,
      changePasswords: note('password'),
      updateAttributes: note('-'),
      access: { list: async () => [], grant: note('grant'), revoke: note('-') },
    },
  }
  const state = memoryState({ stage: 'preparing' })
  const { reporter, told } = notingReporter()
  await install(ARGS, { manager: full, state, reporter, log: silentLog })
  expect(asked).toEqual(['prepare', expect.stringMatching(/^password/), 'grant ["fred","%",["one"]]'])
  expect(told.at(-1)).toBe('running')
})

test('prepare waits for what was begun ahead of it', async () => {
  const { manager, asked } = notingManager()
  const { reporter } = notingReporter()
  let finish = () => undefined as undefined
  const ahead = new Promise<void>((resolve) => {
    finish = () => void resolve()
  })
  const none = { ...ARGS, databases: [], users: [] }
  const installing = install(none, { manager, state: memoryState(), reporter, ahead, log: silentLog })
  await new Promise(setImmediate)
  expect(asked).toEqual([])
  finish()
  await installing
  expect(asked).toEqual(['prepare'])
})

test('a failure is reported with its reason, remembered, and may be tried again', async () => {
  let broken = true
  const { manager } = notingManager({
    prepare: async () => {
      if (broken) throw new Error('connect ENOENT /secret/path')
    },
  })
  const state = memoryState()
  const { reporter, told } = notingReporter()
  const none = { ...ARGS, databases: [], users: [] }
  await install(none, { manager, state, reporter, log: silentLog })
  expect(told).toEqual(['building', expect.stringMatching(/^failed to spawn: An error occurred/)])
  // What is no fault of the table may hold anything: it stays in the guest.
  expect(told.join()).not.toContain('secret')
  expect(state.installation()).toMatchObject({ stage: 'failed' })
  broken = false
  await install(none, { manager, state, reporter, log: silentLog })
  expect(state.installation()).toEqual({ stage: 'prepared' })
})
