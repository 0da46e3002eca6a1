import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { FAILURE } from '../../../runtime/taskmanager/flow/plan.ts'
import { createInstance } from '../../../runtime/taskmanager/flows/create-instance.ts'
import { deleteInstance } from '../../../runtime/taskmanager/flows/delete-instance.ts'
import { type Role, type Stack, startStack } from './stack.ts'

// Every step of create and delete, a kill of each process at each of them. The task manager stands still at a fault point,
// the process is ended with SIGKILL, the task manager goes on (unless it was the victim), the process is started again.

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
})
afterAll(() => stack.stop())

const MOMENTS = ['before', 'begun', 'made', 'after'] as const
const steps = (flow: { kind: string; steps: readonly { name: string }[] }) =>
  flow.steps.map(({ name }) => `${flow.kind}/${name}`)

/** The task manager at every moment of a step; the others once a step, while it is begun and not done. */
function kills(points: readonly string[]): [Role, string][] {
  return points.flatMap((point): [Role, string][] => [
    ...MOMENTS.map((moment): [Role, string] => ['taskmanager', `${point}:${moment}`]),
    ...(['hub', 'conductor', 'fleet'] as const).map((role): [Role, string] => [role, `${point}:begun`]),
  ])
}

/** Carries out `act`, and kills a process where the flow comes to the point. */
async function killAt(role: Role, point: string, act: () => Promise<void>): Promise<void> {
  await stack.arm(point)
  await act()
  await stack.reached()
  await stack.kill(role)
  await stack.pass()
  // The others notice that it is gone before it is back.
  if (role !== 'taskmanager') await sleep(50)
  await stack.start(role)
}

async function expectNothing(): Promise<void> {
  await expect
    .poll(() => stack.things().catch(() => undefined), { timeout: 15_000, interval: 50 })
    .toEqual({ servers: [], volumes: [], guests: [] })
  expect(await stack.usage()).toMatchObject({ instances: 0, volumes: 0, ram: 0 })
}

async function explained(check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${await stack.logs()}`, { cause: error })
  }
}

describe('a create', () => {
  test.each(kills(steps(createInstance)))('goes on after SIGKILL of the %s at %s', (role, point) =>
    explained(async () => {
      let id = ''
      await killAt(role, point, async () => {
        id = await stack.create()
      })
      await stack.until('the create ends', async () =>
        /ACTIVE|ERROR/.test(await stack.status(id)) ? true : undefined,
      )
      const record = await stack.db.instances.get(id)
      expect(record?.fault?.message ?? 'no fault').toBe('no fault')
      expect(await stack.status(id)).toBe('ACTIVE')
      await expect
        .poll(() => stack.things().catch(() => undefined), { timeout: 10_000 })
        .toEqual({ servers: [id], volumes: [id], guests: [id] })
      expect(await stack.usage()).toMatchObject({ instances: 1, volumes: 1, ram: 512 })
      await stack.delete(id)
      await stack.until('the delete ends', async () =>
        (await stack.status(id)) === 'gone' ? true : undefined,
      )
      await expectNothing()
    }),
  )
})

describe('a create that fails', () => {
  const points = [
    ...['before', 'after'].map((moment) => `create_instance/${FAILURE}:${moment}`),
    ...createInstance.steps
      .filter(({ undo }) => undo !== undefined)
      .flatMap(({ name }) => ['before', 'after'].map((moment) => `create_instance/${name}:undo-${moment}`)),
  ]
  afterEach(() => stack.setFaults({}))

  test.each(points)('is undone, and says why, after SIGKILL of the taskmanager at %s', (point) =>
    explained(async () => {
      await stack.setFaults({ '*': { guest: 'fails' } })
      let id = ''
      await killAt('taskmanager', point, async () => {
        id = await stack.create()
      })
      await stack.until('the task ends', async () =>
        (await stack.db.tasks.ofInstance(id))[0]?.state === 'failed' ? true : undefined,
      )
      expect(await stack.status(id)).toBe('ERROR')
      expect((await stack.db.instances.get(id))?.fault?.message).toMatch(
        /the fake engine was told not to start/,
      )
      await expect
        .poll(() => stack.things().catch(() => undefined), { timeout: 10_000 })
        .toEqual({ servers: [], volumes: [], guests: [] })
      expect(await stack.usage()).toMatchObject({ instances: 1, volumes: 1, ram: 512 })
      await stack.delete(id)
      await stack.until('the delete ends', async () =>
        (await stack.status(id)) === 'gone' ? true : undefined,
      )
      await expectNothing()
    }),
  )
})

test('a create goes on after SIGKILL of the guest agent in the middle of its prepare', () =>
  explained(async () => {
    await stack.setFaults({ '*': { guest: 'slow' } })
    const id = await stack.create()
    await stack.until('the guest is being prepared', async () =>
      /"preparing"/.test(await stack.agentState(id)) ? true : undefined,
    )
    await stack.kill('fleet')
    await stack.setFaults({})
    await stack.start('fleet')
    await stack.until('the create ends', async () =>
      (await stack.status(id)) === 'ACTIVE' ? true : undefined,
    )
    expect((await stack.db.instances.get(id))?.fault).toBeNull()
    await stack.delete(id)
    await stack.until('the delete ends', async () => ((await stack.status(id)) === 'gone' ? true : undefined))
    await expectNothing()
  }))

test.each([0, 1, 2, 4, 8, 16])(
  'a create whose API is killed %i ms after the request happened wholly, or not at all',
  (ms) =>
    explained(async () => {
      const asked = stack.create().catch(() => undefined)
      await sleep(ms)
      await stack.kill('hub')
      await asked
      await stack.start('hub')
      const { records } = await stack.db.instances.list({ tenantId: 'tenant-a', limit: 10 })
      expect(await stack.usage()).toMatchObject({
        instances: records.length,
        volumes: records.length,
        ram: 512 * records.length,
      })
      for (const { id } of records) {
        await stack.until('the create ends', async () =>
          (await stack.status(id)) === 'ACTIVE' ? true : undefined,
        )
        await stack.delete(id)
        await stack.until('the delete ends', async () =>
          (await stack.status(id)) === 'gone' ? true : undefined,
        )
      }
      await expectNothing()
    }),
)

describe('a delete', () => {
  test.each(kills(steps(deleteInstance)))('goes on after SIGKILL of the %s at %s', (role, point) =>
    explained(async () => {
      const id = await stack.create()
      await stack.until('the create ends', async () =>
        (await stack.status(id)) === 'ACTIVE' ? true : undefined,
      )
      await killAt(role, point, () => stack.delete(id))
      await stack.until('the delete ends', async () =>
        (await stack.status(id)) === 'gone' ? true : undefined,
      )
      await expectNothing()
    }),
  )
})
