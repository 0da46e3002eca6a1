import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  datastoreAliases,
  datastoreNamed,
  datastores,
  listDatastores,
} from '../../../builder/datastores/datastores.ts'
import { parseVendor } from '../../../builder/datastores/vendor.ts'
import { CofferError } from '../../../lib/errors.ts'

const root = new URL('../../../elements/', import.meta.url).pathname
const names = [...datastores.keys()]
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8')
const vendorFile = (name: string) => `${name}/datastore-vendor/${name}`

test('the eleven datastores of the book are there', () => {
  expect(names.toSorted()).toEqual([
    'cassandra',
    'couchbase',
    'couchdb',
    'db2',
    'mariadb',
    'mongodb',
    'mysql',
    'percona',
    'postgresql',
    'redis',
    'vertica',
  ])
})

test('mysql is built on the Debian suite that has MySQL, all others on stable', () => {
  expect(datastoreNamed('mysql').release).toBe('sid')
  expect(names.filter((name) => datastores.get(name)?.release !== 'bookworm')).toEqual(['mysql'])
})

describe.each([...datastores.values()])('$name', (datastore) => {
  test('has an element that makes a database guest', () => {
    for (const element of datastore.elements) {
      expect(read(`${element}/element-deps`).split('\n')).toContain('database-guest')
    }
  })

  test('is the datastore, on the port, that its element announces in the guest', () => {
    const script = read(`${datastore.name}/install.d/30-${datastore.name}`)
    const declared =
      /^datastore_declare (?<name>\S+) \S+ (?<port>\d+)$/m.exec(script) ??
      /NAME=(?<name>\w+)\\nUNIT=\S+?\\nPORT=(?<port>\d+)\\n/.exec(script)
    expect(declared?.groups).toMatchObject({ name: datastore.name, port: String(datastore.port) })
  })

  test('names the packages its element installs', () => {
    if (!existsSync(`${root}${vendorFile(datastore.name)}`)) {
      expect(read(`${datastore.name}/install.d/30-${datastore.name}`)).toContain(
        `install-packages ${datastore.packages.join(' ')}\n`,
      )
      return
    }
    const text = read(vendorFile(datastore.name))
    const packages = /^PACKAGES="(.*)"$/m.exec(text)?.[1]?.split(' ') ?? []
    expect(datastore.packages).toEqual(packages)
  })

  test('says truly where its package comes from', () => {
    const vendor = existsSync(`${root}${vendorFile(datastore.name)}`)
      ? parseVendor(datastore.name, read(vendorFile(datastore.name)))
      : undefined
    const truth = vendor === undefined ? undefined : vendor.hasRepository ? 'optional' : 'required'
    expect(datastore.vendorPackage).toBe(truth)
  })

  test('appears in the list', () => {
    expect(listDatastores()).toMatch(
      new RegExp(`^  ${datastore.name} +${datastore.distribution} ${datastore.release} +\\S.*$`, 'm'),
    )
  })
})

test('the list fits a terminal of 80 columns and ends with a newline', () => {
  expect(listDatastores()).toMatch(/\n$/)
  for (const line of listDatastores().split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

test('people may say postgres, and capitals do not matter', () => {
  expect(datastoreNamed('postgres').name).toBe('postgresql')
  expect(datastoreNamed('MySQL').name).toBe('mysql')
  for (const alias of Object.keys(datastoreAliases)) expect(names).not.toContain(alias)
})

test.each([
  ['mysq', 'Did you mean mysql?'],
  ['postgress', 'Did you mean postgres'],
  ['oracle', 'It is one of mysql, mariadb, '],
  ['toString', 'It is one of mysql, '],
])('an unknown name (%s) gets a hint', (given, hint) => {
  const error = (() => {
    try {
      return datastoreNamed(given)
    } catch (caught) {
      return caught
    }
  })()
  expect(error).toBeInstanceOf(CofferError)
  expect(error).toMatchObject({ code: 'DATASTORE_UNKNOWN', message: `There is no datastore '${given}'` })
  expect((error as CofferError).hint).toContain(hint)
})
