import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { globSync } from 'glob'
import { describe, expect, test } from 'vitest'
import { checkRepositoryLine, planPackageSource } from '../../../builder/datastores/package-source.ts'
import { parseVendor } from '../../../builder/datastores/vendor.ts'

const root = new URL('../../../elements/', import.meta.url).pathname
const names = ['percona', 'mongodb', 'cassandra', 'couchbase', 'couchdb', 'db2', 'vertica']
const all = [...names, 'datastore-package']
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8')
const files = all.flatMap((name) => globSync(`${name}/**/*`, { cwd: root, nodir: true })).sort()
const scripts = files.filter((file) => read(file).startsWith('#!'))
const hooks = scripts.filter((file) => /^[^/]+\/[a-z-]+\.d\//.test(file))
const vendor = (name: string) => parseVendor(name, read(`${name}/datastore-vendor/${name}`))

test('the elements are seen at all', () => {
  expect(hooks.length).toBeGreaterThanOrEqual(names.length * 2)
})

describe('rules that dib-lint has for elements (DIB contract §3.5)', () => {
  test.each(all)('%s has a README.rst', (name) => expect(read(`${name}/README.rst`)).toContain(name))

  test.each(scripts)('%s is executable, indented by fours and ends with a newline', (file) => {
    accessSync(`${root}${file}`, constants.X_OK)
    const text = read(file)
    expect(text).not.toMatch(/\t/)
    expect(text).toMatch(/[^\n]\n$/)
    expect(text).not.toMatch(/\bwhich /)
    expect(text).not.toMatch(/export [A-Z_]+=\$\(/)
    expect(text).not.toMatch(/\bsudo /)
    expect(text.split('\n')[0]).toBe('#!/bin/bash')
    const odd = text.split('\n').filter((line) => (/^ */.exec(line)?.[0].length ?? 0) % 4 !== 0)
    expect(odd).toEqual([])
  })

  test.each(hooks)('%s stops at the first error and can be traced', (file) => {
    expect(read(file)).toMatch(/^set -eu$/m)
    expect(read(file)).toMatch(/^set -o pipefail$/m)
    expect(read(file)).toMatch(/DIB_DEBUG_TRACE/)
    expect(file).toMatch(/\/\d\d-[a-z0-9-]+$/)
  })

  test.each(names)('%s lists its dependencies in order', (name) => {
    const deps = read(`${name}/element-deps`).trimEnd().split('\n')
    expect(deps).toEqual([...deps].sort())
    expect(deps).toContain('datastore-package')
  })
})

test('no two elements bring a hook of the same name', () => {
  const keys = hooks.map((file) => file.split('/').slice(1).join('/'))
  expect(keys.length).toBe(new Set(keys).size)
})

describe.each(names)('%s', (name) => {
  test('brings a readiness check for the guest base', () => {
    const check = statSync(`${root}${name}/datastore-files/${name}/datastore-check`)
    expect(check.mode & 0o111).toBe(0o111)
    expect(read(`${name}/install.d/30-${name}`)).toMatch(
      new RegExp(`^datastore_declare ${name} [a-z0-9-]+\\.service \\d+$`, 'm'),
    )
  })

  test('has vendor facts that hold together', () => {
    const facts = vendor(name)
    for (const key of ['APT_REPO_DEBIAN', 'APT_REPO_UBUNTU']) {
      const lines = new RegExp(`^${key}="(.*)"$`, 'm').exec(read(`${name}/datastore-vendor/${name}`))?.[1]
      for (const line of lines?.split(';') ?? []) checkRepositoryLine(key, line.replaceAll('@RELEASE@', 'r'))
    }
    expect(facts.aptKeyFingerprints.every((text) => /^[0-9A-F]{40}$/.test(text))).toBe(true)
  })

  test('says at once what it lacks, or plans from its repository', () => {
    const outcome = (() => {
      try {
        return planPackageSource(vendor(name), {}).from
      } catch (error) {
        return (error as { code: string }).code
      }
    })()
    expect(outcome).toBe(
      {
        percona: 'repository',
        mongodb: 'repository',
        couchdb: 'repository',
        cassandra: 'APT_KEY_UNVERIFIED',
        couchbase: 'APT_KEY_UNVERIFIED',
        db2: 'LICENCE_NOT_ACCEPTED',
        vertica: 'LICENCE_NOT_ACCEPTED',
      }[name],
    )
  })
})
