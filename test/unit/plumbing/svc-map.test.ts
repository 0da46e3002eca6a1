import { afterEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { mergeServiceMaps, serviceFile } from '../../../builder/plumbing/svc-map.ts'
import { canChroot, makeStage, type Stage } from './stage.ts'

const database = {
  element: 'database',
  content: { database: { default: 'mysqld', debian: 'mysql', redhat: 'mariadb' } },
}

describe('a service', () => {
  test.each([
    ['debian', 'mysql'],
    ['ubuntu', 'mysql'],
    ['rocky', 'mariadb'],
    ['gentoo', 'mysqld'],
  ])('is called by its name for the distribution, its family or everywhere: %s', (distro, name) => {
    expect(mergeServiceMaps([database], distro).get('database')).toBe(name)
  })

  test('that has no name here keeps its own', () => {
    const maps = [{ element: 'x', content: { api: { gentoo: 'API' } } }]
    expect(mergeServiceMaps(maps, 'debian').get('api')).toBe('api')
  })

  test('that two elements define ends the build with the name of the second', () => {
    expect(() => mergeServiceMaps([database, { ...database, element: 'other' }], 'debian')).toThrow(
      'database already found in services list.  Check other for duplicate service name.',
    )
  })

  test('may have a name that YAML would read as something else', () => {
    const file = serviceFile(
      new Map([
        ['on', 'no'],
        ['a', '1'],
      ]),
    )
    expect(parse(file, { version: '1.1' })).toEqual({ a: '1', on: 'no' })
  })
})

describe('svc-map in a build', () => {
  let stage: Stage
  afterEach(() => stage.remove())

  test('merges the files of all elements, outside', async () => {
    stage = makeStage(['svc-map', 'dib-python'], {
      one: { 'svc-map': 'database:\n  default: mysqld\n  debian: mysql\n' },
      two: { 'svc-map': 'cache:\n  default: redis-server\n' },
    })
    expect(await stage.outside('extra-data.d/10-merge-svc-map-files')).toMatchObject({
      exitCode: 0,
      stderr: '',
    })
    expect(await stage.outside('extra-data.d/11-copy-svc-map-file')).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/usr/share/svc-map/services')).toBe('cache: redis-server\ndatabase: mysql\n')
  })

  test.skipIf(!canChroot)('answers inside, where an installed unit of the name comes first', async () => {
    stage = makeStage(['svc-map', 'install-bin'])
    stage.write('inside/seed/usr/share/svc-map/services', `database: mysql\n"on": 'yes'\ninstalled: other\n`)
    stage.write('inside/seed/usr/lib/systemd/system/installed.service', '')
    stage.write('hooks/install.d/50-ask', '#!/bin/bash\nsvc-map database installed unknown on\n')
    const result = await stage.inside(['pre-install.d/01-install-bin', 'install.d/50-ask'])
    expect(result.stdout).toBe('mysql\ninstalled\nunknown\nyes\n')
  })
})
