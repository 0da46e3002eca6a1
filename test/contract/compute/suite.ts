import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ComputeDriver, ServerSpec, VolumeSpec } from '../../../runtime/compute/types.ts'

/** What a member gives the suite. */
export interface ComputeMember {
  readonly driver: ComputeDriver
  /** Another process's view of the same machines: a driver opened anew over what the first one left. */
  readonly reopen: () => Promise<ComputeDriver>
  /** An image that servers may start from, and the flavor to start them with. */
  readonly image: ServerSpec['image']
  readonly flavorId: string
  /** Ends a server as a crash of its machine would. */
  readonly crash: (serverId: string) => Promise<void>
  readonly release: () => Promise<void>
  /** How long a state may take to come, in milliseconds. */
  readonly patienceMs: number
}

/** The rules that every compute driver keeps; see runtime/compute/types.ts. */
export function computeContract(name: string, open: () => Promise<ComputeMember>): void {
  describe(`compute driver ${name}`, () => {
    let member: ComputeMember
    let driver: ComputeDriver
    let instanceId: string
    beforeEach(async () => {
      member = await open()
      driver = member.driver
      instanceId = randomUUID()
    })
    afterEach(() => member.release())

    const volumeSpec = (id: string): VolumeSpec => ({ id, name: `datastore-${id}`, sizeGb: 1, instanceId })
    async function serverSpec(id: string, volumeIds: readonly string[] = []): Promise<ServerSpec> {
      const flavor = (await driver.flavors()).find((candidate) => candidate.id === member.flavorId)
      if (flavor === undefined) throw new Error(`no flavor ${member.flavorId}`)
      return {
        id,
        name: 'm1',
        instanceId,
        tenantId: 'tenant-a',
        flavor,
        image: member.image,
        volumeIds,
        files: { 'guest_info.conf': `[DEFAULT]\nguest_id = ${instanceId}\n` },
        hostname: 'm1',
        rules: [],
      }
    }
    const until = async (what: () => Promise<boolean>): Promise<void> => {
      await expect.poll(what, { timeout: member.patienceMs, interval: 20 }).toBe(true)
    }
    const active = (id: string) => until(async () => (await driver.getServer(id))?.status === 'ACTIVE')

    test('every flavor has an id of its own, memory and a processor', async () => {
      const flavors = await driver.flavors()
      expect(flavors.length).toBeGreaterThan(0)
      expect(new Set(flavors.map(({ id }) => id)).size).toBe(flavors.length)
      for (const { ram, vcpus } of flavors) expect(Math.min(ram, vcpus)).toBeGreaterThan(0)
    })

    test('a volume becomes available, is listed with its instance, and is gone once deleted', async () => {
      const id = randomUUID()
      await driver.createVolume(volumeSpec(id))
      await until(async () => (await driver.getVolume(id))?.status === 'available')
      expect(await driver.listVolumes()).toEqual([{ id, instanceId, sizeGb: 1, status: 'available' }])
      await driver.deleteVolume(id)
      expect(await driver.getVolume(id)).toBeUndefined()
      expect(await driver.listVolumes()).toEqual([])
    })

    test('a server becomes active with an address, and its volume is in use', async () => {
      const [volume, server] = [randomUUID(), randomUUID()]
      await driver.createVolume(volumeSpec(volume))
      await until(async () => (await driver.getVolume(volume))?.status === 'available')
      await driver.createServer(await serverSpec(server, [volume]))
      await active(server)
      const state = await driver.getServer(server)
      expect(state).toMatchObject({ id: server, instanceId, name: 'm1' })
      expect(state?.addresses.length).toBeGreaterThan(0)
      expect((await driver.getVolume(volume))?.status).toBe('in-use')
      await driver.deleteServer(server)
      expect((await driver.getVolume(volume))?.status).toBe('available')
    })

    test('asking twice makes nothing twice', async () => {
      const [volume, server] = [randomUUID(), randomUUID()]
      await driver.createVolume(volumeSpec(volume))
      await driver.createVolume(volumeSpec(volume))
      await until(async () => (await driver.getVolume(volume))?.status === 'available')
      await driver.createServer(await serverSpec(server, [volume]))
      await active(server)
      const before = await driver.getServer(server)
      await driver.createServer(await serverSpec(server, [volume]))
      expect(await driver.getServer(server)).toEqual(before)
      expect(await driver.listVolumes()).toHaveLength(1)
      expect(await driver.listServers()).toHaveLength(1)
    })

    test('deleting what is not there succeeds', async () => {
      await driver.deleteServer(randomUUID())
      await driver.deleteVolume(randomUUID())
      expect(await driver.getServer(randomUUID())).toBeUndefined()
      expect(await driver.getVolume(randomUUID())).toBeUndefined()
    })

    test('two servers never share an address, and a deleted one gives its address back', async () => {
      const ids = [randomUUID(), randomUUID()]
      for (const id of ids) await driver.createServer(await serverSpec(id))
      const addresses = await Promise.all(
        ids.map(async (id) => (await driver.getServer(id))?.addresses ?? []),
      )
      expect(new Set(addresses.flat()).size).toBe(addresses.flat().length)
      for (const id of ids) await driver.deleteServer(id)
      const again = randomUUID()
      await driver.createServer(await serverSpec(again))
      expect(addresses.flat()).toContain((await driver.getServer(again))?.addresses[0])
    })

    test('servers and volumes outlive the process that made them, and a new one can delete them', async () => {
      const [volume, server] = [randomUUID(), randomUUID()]
      await driver.createVolume(volumeSpec(volume))
      await until(async () => (await driver.getVolume(volume))?.status === 'available')
      await driver.createServer(await serverSpec(server, [volume]))
      await active(server)
      await driver.close()
      const next = await member.reopen()
      driver = next
      expect((await next.getServer(server))?.status).toBe('ACTIVE')
      await next.deleteServer(server)
      await next.deleteVolume(volume)
      expect(await next.listServers()).toEqual([])
      expect(await next.listVolumes()).toEqual([])
    })

    test('a rebooted server is active again, under its address', async () => {
      const server = randomUUID()
      await driver.createServer(await serverSpec(server))
      await active(server)
      const before = await driver.getServer(server)
      await driver.rebootServer(server)
      await active(server)
      expect((await driver.getServer(server))?.addresses).toEqual(before?.addresses)
    })

    test('a server that crashed says why it is down; creating it again changes nothing, a reboot starts it', async () => {
      const server = randomUUID()
      await driver.createServer(await serverSpec(server))
      await active(server)
      await member.crash(server)
      await until(async () => (await driver.getServer(server))?.status === 'SHUTDOWN')
      expect((await driver.getServer(server))?.reason).toMatch(/\w+ \w+/)
      await driver.createServer(await serverSpec(server))
      expect(await driver.listServers()).toHaveLength(1)
      await driver.rebootServer(server)
      await active(server)
    })

    test('the console of a server can be read, and that of no server is empty', async () => {
      const server = randomUUID()
      await driver.createServer(await serverSpec(server))
      await active(server)
      await until(async () => (await driver.consoleTail(server, 4096)).length > 0)
      expect((await driver.consoleTail(server, 5)).length).toBeLessThanOrEqual(5)
      expect(await driver.consoleTail(randomUUID(), 4096)).toBe('')
    })

    test('security rules are replaced on a living server', async () => {
      const server = randomUUID()
      await driver.createServer(await serverSpec(server))
      await active(server)
      await driver.setSecurityRules(server, [
        { protocol: 'tcp', fromPort: 3306, toPort: 3306, cidr: '0.0.0.0/0' },
      ])
      await driver.setSecurityRules(server, [])
      expect((await driver.getServer(server))?.status).toBe('ACTIVE')
    })
  })
}
