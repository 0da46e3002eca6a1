import { expect, test } from 'vitest'
import { CofferError } from '../../../../lib/errors.ts'
import { guestMethods } from '../../../../runtime/guestagent/methods.ts'
import type { Installation } from '../../../../runtime/guestagent/state.ts'
import type { DatastoreManager } from '../../../../runtime/guestagent/types.ts'
import { fault } from '../../../../runtime/model/faults.ts'
import { GUEST_METHODS } from '../../../../runtime/rpc/guest-methods.ts'
import type { JsonObject } from '../../../../runtime/rpc/types.ts'
import { silentLog } from '../../../../runtime/transport/log.ts'
import { memoryState, notingManager, notingReporter } from './stage.ts'

function agent(own: Partial<DatastoreManager> = {}, installation: Installation = { stage: 'prepared' }) {
  const { manager, asked } = notingManager(own)
  const { reporter, told } = notingReporter()
  const methods = guestMethods({
    manager,
    service: {
      start: async () => undefined,
      stop: async () => undefined,
      permit: async () => undefined,
      state: async () => ({ active: 'active', sub: 'running', mainPid: process.pid }),
      lastWords: async () => '',
    },
    state: memoryState(installation),
    reporter,
    agentVersion: '1.2.3',
    log: silentLog,
  })
  const ask = (method: string, args: JsonObject = {}) =>
    methods[method]?.run(args, {
      messageId: 'm',
      sender: { kind: 'control', name: 'test' },
      sent: 0,
      requestId: undefined,
      signal: new AbortController().signal,
    })
  return { ask, asked, told, methods }
}

test('every method of the guest API is answered, in its lane', () => {
  const { methods } = agent()
  expect(Object.keys(methods).sort()).toEqual(Object.keys(GUEST_METHODS).sort())
  for (const [name, { lane }] of Object.entries(GUEST_METHODS)) expect(methods[name]?.lane).toBe(lane)
})

test.each(['create_user', 'list_users', 'list_access', 'create_database', 'list_databases', 'enable_root'])(
  '%s is not supported where the engine has no such notion',
  async (method) => {
    await expect(agent().ask(method, { users: [], databases: [] })).rejects.toMatchObject({
      code: 'DATASTORE_OPERATION_NOT_SUPPORTED',
      message: `The '${method}' operation is not supported for the 'noting' datastore.`,
    })
  },
)

test.each([
  ['create_user', { users: 'fred' }],
  ['create_user', { users: [{ _name: 7 }] }],
  ['create_user', { users: [{ _name: '' }] }],
  ['create_user', { users: [{ _name: '\ud800' }] }],
  ['create_user', { users: [{ _name: 'a\0b' }] }],
  ['change_passwords', { users: [{ _name: 'fred' }] }],
  ['list_users', { limit: -1 }],
  ['update_attributes', { username: 'fred', user_attrs: [] }],
  ['get_user', {}],
])('%s with %j is refused as a bad request', async (method, args) => {
  const users = {
    create: async () => undefined,
    delete: async () => undefined,
    list: async () => [[], null] as const,
    get: async () => null,
    changePasswords: async () => undefined,
    updateAttributes: async () => undefined,
  }
  await expect(agent({ users }).ask(method, args as JsonObject)).rejects.toMatchObject({
    code: 'BAD_REQUEST',
  })
})

test('faults keep their code; anything else becomes one sentence without a stack or a secret', async () => {
  const failing = (error: Error) =>
    agent({
      root: {
        enable: async () => {
          throw error
        },
        disable: async () => undefined,
        isEnabled: async () => false,
      },
    }).ask('enable_root')
  await expect(failing(fault('BAD_REQUEST', { reason: 'No.' }))).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: 'No.',
  })
  const busy = new CofferError('COMMAND_TIMED_OUT', 'mkfs.ext4 did not end within 5 ms', { retryable: true })
  await expect(failing(busy)).rejects.toMatchObject({ code: 'GUEST_ERROR', retryable: true })
  await expect(failing(new TypeError('password s3cret is not a function'))).rejects.toMatchObject({
    code: 'GUEST_ERROR',
    message: 'An error occurred communicating with the guest: the guest agent met a defect of its own.',
  })
})

test('a restart is not begun before the guest is prepared, and what follows it is reported', async () => {
  await expect(agent({}, { stage: 'new' }).ask('restart')).rejects.toMatchObject({ code: 'GUEST_ERROR' })
  const { ask, asked, told } = agent()
  await ask('restart')
  expect(asked).toEqual(['restart'])
  expect(told).toEqual(['running'])
})

test('a stopped database is reported at once', async () => {
  const { ask, asked, told } = agent()
  await ask('stop_db', { do_not_start_on_reboot: true })
  expect(asked).toEqual(['stop [{"doNotStartOnReboot":true}]'])
  expect(told).toEqual(['shutdown'])
})

test('the machine is described in the units of the contract', async () => {
  const { ask } = agent()
  expect(await ask('rpc_ping')).toBe(true)
  const hardware = (await ask('get_hwinfo')) as { mem_total: number; num_cpus: number }
  expect(hardware.mem_total).toBeGreaterThan(100_000)
  expect(hardware.num_cpus).toBeGreaterThan(0)
  const diagnostics = (await ask('get_diagnostics')) as { version: string; vmRss: number; threads: number }
  expect(diagnostics.version).toBe('1.2.3')
  expect(diagnostics.vmRss).toBeGreaterThan(1000)
  expect(diagnostics.threads).toBeGreaterThan(0)
  const volume = (await ask('get_volume_info', { fs_path: '/' })) as Record<string, number>
  const bytes = Number(volume.block_size) * Number(volume.total_blocks)
  expect(volume.total).toBeCloseTo(bytes / 1024 ** 3, 1)
  expect(Number(volume.free)).toBeLessThanOrEqual(bytes)
  expect(Number(volume.used)).toBeLessThanOrEqual(Number(volume.total))
})
