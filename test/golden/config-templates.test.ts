import { mkdtempSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { removeTree } from '../../lib/tree.ts'
import { hasTemplate, renderConfig, serverId, type TemplateInput } from '../../registry/templates/render.ts'

const own = mkdtempSync(join(tmpdir(), 'templates-'))
afterAll(() => removeTree(own))

const input = (name: string, version: string, ram = 512): TemplateInput => ({
  datastore: { name, manager: name, version },
  flavor: { id: '1', name: 'm1.tiny', ram, vcpus: 1 },
  instanceId: '41037bd2-9a91-4d5c-b291-612ad833a6d5',
})

describe('the configuration file of each datastore, for the smallest and for a large flavor', () => {
  test.each([
    ['mysql', '9.7'],
    ['mariadb', '10.11'],
    ['percona', '8.4'],
    ['postgresql', '15'],
    ['redis', '7.0'],
  ])('%s', async (name, version) => {
    const both = [512, 16_384].map((ram) => renderConfig('config.template', input(name, version, ram)))
    await expect(both.join('\n')).toMatchFileSnapshot(`config/${name}.txt`)
  })
})

test('values of a configuration group are written by the engine’s own rules', async () => {
  const overrides = {
    autocommit: true,
    max_connections: 20,
    skip_name_resolve: '',
    sql_mode: 'ANSI',
    local_infile: 0,
  }
  expect(renderConfig('override.config.template', { ...input('mysql', '9.7'), overrides })).toBe(
    '[mysqld]\nautocommit = 1\nmax_connections = 20\nskip_name_resolve\nsql_mode = ANSI\nlocal_infile = 0\n',
  )
  const text = { search_path: "it's, public" }
  expect(renderConfig('override.config.template', { ...input('postgresql', '15'), overrides: text })).toBe(
    "search_path = 'it''s, public'\n",
  )
})

test('an operator’s own template goes before ours, the one for a version before the general one', async () => {
  await mkdir(join(own, 'mysql', '9.7'), { recursive: true })
  await writeFile(join(own, 'mysql', 'config.template'), 'general {{ server_id }}')
  await writeFile(join(own, 'mysql', '9.7', 'config.template'), 'nine {{ datastore.version }}')
  const render = (version: string) =>
    renderConfig('config.template', { ...input('mysql', version), templatePath: own })
  expect(render('9.7')).toBe('nine 9.7')
  expect(render('9.7.4-2')).toBe('nine 9.7.4-2')
  expect(render('8.4')).toBe(`general ${serverId(input('mysql', '8.4').instanceId)}`)
})

test('a datastore without a template, and a template with a mistake, say so', async () => {
  expect(hasTemplate('config.template', input('mysql', '9'))).toBe(true)
  expect(hasTemplate('config.template', input('../mysql', '9'))).toBe(false)
  expect(() => renderConfig('config.template', input('vertica', '9'))).toThrow(
    /no config.template for the datastore/,
  )
  await mkdir(join(own, 'broken'))
  await writeFile(join(own, 'broken', 'config.template'), '{{ flavour.ram }}')
  expect(() => renderConfig('config.template', { ...input('broken', '1'), templatePath: own })).toThrow(
    /cannot be rendered/,
  )
})

test('server ids are positive, of 31 bits, and stay with the instance', () => {
  const ids = Array.from({ length: 500 }, (_, n) => serverId(`instance ${n}`))
  expect(ids.every((id) => Number.isInteger(id) && id > 0 && id < 2 ** 31)).toBe(true)
  expect(new Set(ids).size).toBe(500)
  expect(serverId('instance 7')).toBe(ids[7])
})
