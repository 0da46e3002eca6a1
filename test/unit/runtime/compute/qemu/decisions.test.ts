import { describe, expect, test } from 'vitest'
import { driveContents } from '../../../../../runtime/compute/config-drive/config-drive.ts'
import { checkInfo } from '../../../../../runtime/compute/qemu/disk.ts'
import { defaultFlavors, parseFlavors } from '../../../../../runtime/compute/qemu/flavors.ts'
import { judgeMemory, parseMemory } from '../../../../../runtime/compute/qemu/host-limits.ts'
import { statusOf } from '../../../../../runtime/compute/qemu/observe.ts'
import { vcpusFor } from '../../../../../runtime/compute/qemu/start.ts'

describe('flavors', () => {
  test('are the book’s unless the state directory names others', () => {
    expect(defaultFlavors.map(({ id, name, ram }) => `${id} ${name} ${ram}`)).toEqual([
      '1 m1.tiny 512',
      '2 m1.small 2048',
      '3 m1.medium 4096',
      '4 m1.large 8192',
      '5 m1.xlarge 16384',
    ])
    expect(parseFlavors('[{id: 6, name: db.small, ram: 1024, vcpus: 1}]', 'f')).toEqual([
      { id: '6', name: 'db.small', ram: 1024, vcpus: 1, disk: 0, ephemeral: 0 },
    ])
  })

  test('that cannot be meant are refused with what is wrong', () => {
    const wrong = {
      '{': 'not YAML',
      '': 'not a list',
      '[]': 'not a list',
      '[1]': 'needs an id',
      '[{id: 1}]': 'needs a name',
      '[{id: 1, name: a, ram: 1G, vcpus: 1}]': 'needs ram',
      '[{id: 1, name: a, ram: 512, vcpus: 0}]': 'needs vcpus',
      '[{id: 1, name: a, ram: 512, vcpus: 1}, {id: "1", name: b, ram: 512, vcpus: 1}]': 'same id',
    }
    for (const [text, why] of Object.entries(wrong)) {
      expect(() => parseFlavors(text, 'flavors.yaml')).toThrow(why)
    }
  })
})

describe('memory', () => {
  const host = { total: 4096, available: 2000 }

  test('may be promised twice, with a warning', () => {
    expect(judgeMemory(1024, host)).toBeUndefined()
    expect(judgeMemory(2048, host)).toContain('More memory is promised')
  })

  test('that the machine does not have at all is refused', () => {
    for (const [wanted, seen] of [
      [8192, host],
      [2048, { total: 4096, available: 500 }],
    ] as const) {
      expect(() => judgeMemory(wanted, seen)).toThrow(expect.objectContaining({ code: 'HOST_MEMORY_SHORT' }))
    }
  })

  test('is read from /proc/meminfo', () => {
    const text = 'MemTotal:       24684532 kB\nMemFree:  1 kB\nMemAvailable:   23808000 kB\n'
    expect(parseMemory(text)).toEqual({ total: 24_105, available: 23_250 })
  })
})

describe('what qemu-img says about an image', () => {
  const image = { id: 'i1', path: '/i', format: 'qcow2' } as const
  const good = {
    'virtual-size': 1024,
    format: 'qcow2',
    'format-specific': { type: 'qcow2', data: { compat: '1.1' } },
  }

  test('a plain one is taken', () => {
    expect(checkInfo(image, good)).toBe(1024)
  })

  test('one that leads to other files, or is damaged, is not', () => {
    const data = (more: object) => ({ ...good, 'format-specific': { data: more } })
    for (const info of [
      { ...good, 'backing-filename': '/etc/shadow' },
      { ...good, 'full-backing-filename': 'nbd:host:1' },
      { ...good, encrypted: true },
      data({ 'data-file': '/dev/sda' }),
      data({ encrypt: { format: 'luks' } }),
      data({ corrupt: true }),
      {},
    ]) {
      expect(() => checkInfo(image, info)).toThrow(expect.objectContaining({ code: 'IMAGE_REFUSED' }))
    }
  })
})

test('every state of QEMU that is not running comes with a reason', () => {
  expect(statusOf('running')).toEqual({ status: 'ACTIVE' })
  for (const state of ['shutdown', 'guest-panicked', 'io-error', 'internal-error', 'paused', 'unheard-of']) {
    expect(statusOf(state)).toEqual({
      status: expect.stringMatching(/SHUTDOWN|ERROR/),
      reason: expect.stringMatching(/\.$/),
    })
  }
})

test('an emulated guest gets two processors where the machine has them; a real one gets its flavor’s', () => {
  expect(vcpusFor(1, 'tcg', 2)).toBe(2)
  expect(vcpusFor(1, 'tcg', 1)).toBe(1)
  expect(vcpusFor(4, 'tcg', 2)).toBe(4)
  expect(vcpusFor(1, 'kvm', 8)).toBe(1)
})

describe('a config drive', () => {
  const drive = {
    identity: { id: 'u-1', name: 'm1', hostname: 'm1.example' },
    card: { mac: '52:54:00:00:00:02', address: '10.0.2.15', netmask: '255.255.255.0' },
    files: { 'guest_info.conf': '[DEFAULT]\n' },
  }

  test('has OpenStack’s layout, no SSH key, and one fixed address without a way out', () => {
    const contents = driveContents({ ...drive, userData: '#!/bin/sh\n' })
    expect(Object.keys(contents).sort()).toEqual([
      'guest_info.conf',
      'openstack/latest/meta_data.json',
      'openstack/latest/network_data.json',
      'openstack/latest/user_data',
    ])
    expect(JSON.parse(contents['openstack/latest/meta_data.json'] ?? '')).toMatchObject({
      uuid: 'u-1',
      name: 'm1',
      hostname: 'm1.example',
      public_keys: {},
    })
    expect(JSON.parse(contents['openstack/latest/network_data.json'] ?? '')).toMatchObject({
      links: [{ ethernet_mac_address: '52:54:00:00:00:02' }],
      networks: [{ type: 'ipv4', ip_address: '10.0.2.15', netmask: '255.255.255.0', routes: [] }],
    })
  })

  test('takes no file whose name could mean something else', () => {
    for (const name of ['../x', '/etc/passwd', 'a/b', '-i', '', 'openstack', 'a\nb']) {
      expect(() => driveContents({ ...drive, files: { [name]: '' } })).toThrow(
        expect.objectContaining({ code: 'CONFIG_DRIVE_NAME_INVALID' }),
      )
    }
  })
})
