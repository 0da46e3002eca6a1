import { describe, expect, test } from 'vitest'
import type { Plan, PlanInput } from '../../../phases/plan.ts'
import { hasEffect } from '../../../phases/step-ids.ts'
import { planOf, type Tree } from './element-tree.ts'

const SCRIPT = '#!/bin/bash\n'
const FILES: Tree = {
  'os/root.d/10-os': SCRIPT,
  'app/element-deps': 'os\n',
  'app/environment.d/10-app': 'export APP=1\n',
  'app/extra-data.d/20-app': SCRIPT,
  'app/install.d/30-app': SCRIPT,
  'app/static/app.conf': 'one\n',
  'app/package-installs.yaml': 'a:\n',
  'other/package-installs.yaml': 'a:\n',
  'other/install.d/40-other': SCRIPT,
  'other/static/other.conf': 'one\n',
}
const NAMES = ['10-os', '20-app', '30-app', '40-other']

const plan = (files: Tree = {}, input: Partial<PlanInput> = {}) =>
  planOf({ ...FILES, ...files }, ['app', 'other'], input)
const steps = (of: Plan) => of.phases.flatMap((phase) => phase.steps)

/** The scripts whose own inputs differ, or `all` when the start does. */
async function changedBy(files: Tree, input: Partial<PlanInput> = {}): Promise<string | string[]> {
  const [before, after] = [await plan(), await plan(files, input)]
  if (JSON.stringify(before.start) !== JSON.stringify(after.start)) return 'all'
  return steps(after)
    .filter(({ inputs }, at) => JSON.stringify(inputs) !== JSON.stringify(steps(before)[at]?.inputs))
    .map(({ name }) => name)
}

test('a step says in words what it is made from', async () => {
  const [os, extra] = steps(await plan())
  expect(Object.keys(os?.inputs ?? {})).toEqual(['script', 'mode', 'files of element os'])
  expect(os?.inputs.mode).toBe('755')
  expect(Object.keys(extra?.inputs ?? {})).toEqual([
    'script',
    'mode',
    'files of element os',
    'files of element app',
    'files of element other',
  ])
})

describe('what an edit changes', () => {
  test.each([
    ['a script', { 'app/install.d/30-app': `${SCRIPT}true\n` }, ['30-app']],
    ['a mode', { 'app/install.d/30-app': { text: SCRIPT, mode: 0o700 } }, ['30-app']],
    ['a data file', { 'app/static/app.conf': 'two\n' }, ['20-app', '30-app', '40-other']],
    ['a new data file', { 'app/static/new.conf': '' }, ['20-app', '30-app', '40-other']],
    ['an environment file', { 'app/environment.d/10-app': 'export APP=2\n' }, 'all'],
    ['a list of packages', { 'app/package-installs.yaml': 'b:\n' }, ['20-app', '30-app', '40-other']],
    ['a README', { 'app/README.rst': 'It is new.\n' }, []],
    ["data of the operating system's element", { 'os/static/os.conf': '' }, NAMES],
  ] as const)('%s', async (_what, files, expected) => {
    expect(await changedBy(files)).toEqual(expected)
  })

  test.each([
    ['architecture', { arch: 'arm64' }],
    ['a variable that crosses', { environment: { APP_PORT: '80' } }],
    ["the caller's inputs", { inputs: { layout: 'x' } }],
  ] as const)('%s: everything', async (_what, input) => {
    expect(await changedBy({}, input)).toBe('all')
  })

  test('what belongs to single scripts', async () => {
    const stepInputs = (destination: string): Record<string, string> =>
      destination === 'install.d/30-app' ? { agent: 'x' } : {}
    expect(await changedBy({}, { stepInputs })).toEqual(['30-app'])
  })

  test.each([
    'IMAGE_NAME',
    'IMAGE_TYPE',
    'DIB_ARGS',
    'DIB_CHECKSUM',
    'DIB_IMAGE_SIZE',
    'TERM',
    'TMP_DIR',
    'XDG_SEAT',
  ])('%s: nothing, here', async (name) => {
    expect(await changedBy({}, { environment: { [name]: 'x' } })).toEqual([])
  })
})

test('ids are a chain: a change goes through all that follows', async () => {
  const [before, after] = [await plan(), await plan({ 'app/extra-data.d/20-app': `${SCRIPT}true\n` })]
  const same = steps(before).map(({ id }, at) => id === steps(after)[at]?.id)
  expect(same).toEqual([true, false, false, false])
  expect(after.id).toBe(steps(after).at(-1)?.id)
})

test('a secret is never among the inputs', async () => {
  const { start } = await plan(
    {},
    { environment: { DB_PASSWORD: 'hunter2', PROXY: 'http://me:hunter2@proxy/' } },
  )
  expect(JSON.stringify(start)).not.toContain('hunter2')
  expect(start['environment DB_PASSWORD']).toMatch(/^[0-9a-f]{64}$/)
})

test.each([
  ['http_proxy', true],
  ['DIB_RELEASE', true],
  ['LESSOPEN', false],
  ['LESSONS', true],
  ['GPG_KEY', true],
  ['SSH_CONNECTION', false],
  ['COFFER_APT_PROXY', false],
])('%s has an effect: %j', (name, expected) => {
  expect(hasEffect(name)).toBe(expected)
})
