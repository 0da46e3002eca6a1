import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readScriptFacts } from '../../../builder/engine/script-facts.ts'
import { removeTree } from '../../../lib/tree.ts'
import { planHooks } from '../../../phases/hooks.ts'
import { makeTree, type Tree } from '../phases/element-tree.ts'

const environment = {
  IMAGE_NAME: '/srv/images/db',
  IMAGE_TYPE: 'qcow2',
  DIB_ARGS: '--cache -o /srv/images/db debian',
  DIB_CHECKSUM: '0',
  IMAGE_ELEMENT: 'app other',
}

async function factsOf(files: Tree, changes: Readonly<Record<string, string>> = {}) {
  const root = await makeTree({
    'app/README.rst': 'It reads IMAGE_NAME and calls chattr.',
    'other/README.rst': '',
    ...files,
  })
  const hooks = await planHooks(['app', 'other'].map((name) => ({ name, path: join(root, name) })))
  return await readScriptFacts(hooks, { ...environment, ...changes })
}

const script = (text: string) => `#!/bin/bash\n${text}\n`

test('variables that name the output count for the scripts that mention them only', async () => {
  const { inputs, start } = await factsOf({
    'app/install.d/10-name': script('echo "$IMAGE_NAME"'),
    'app/install.d/20-type': script('echo "$IMAGE_TYPE" "$DIB_CHECKSUM"'),
    'app/install.d/30-none': script('echo "$NAME"'),
  })
  expect(inputs).toEqual({
    'install.d/10-name': { 'environment IMAGE_NAME': 'db' },
    'install.d/20-type': { 'environment DIB_CHECKSUM': '0', 'environment IMAGE_TYPE': 'qcow2' },
    'install.d/30-none': {},
  })
  expect(Object.keys(start)).toEqual(['builder'])
})

test('also through an environment file, a data file of the element, and a program that any script may call', async () => {
  const { inputs } = await factsOf({
    'app/environment.d/10-app': 'export SAVE_DIR=$IMAGE_NAME.d\n',
    'app/install.d/10-app': script('ls "$SAVE_DIR"'),
    'other/cleanup.d/20-other': script('template'),
    'other/templates/x': 'type=$IMAGE_TYPE\n',
  })
  expect(inputs['install.d/10-app']).toEqual({ 'environment IMAGE_NAME': 'db' })
  expect(inputs['cleanup.d/20-other']).toEqual({ 'environment IMAGE_TYPE': 'qcow2' })
  const called = await factsOf({
    'other/bin/name-of-image': script('echo $IMAGE_NAME'),
    'app/install.d/10-app': script('name-of-image'),
  })
  expect(called.inputs['install.d/10-app']).toEqual({ 'environment IMAGE_NAME': 'db' })
})

test('an image elsewhere under the same name, and words that say how to build, change nothing', async () => {
  const files = { 'app/install.d/10-app': script('echo "$IMAGE_NAME $DIB_ARGS"') }
  const before = await factsOf(files)
  expect(await factsOf(files, { IMAGE_NAME: 'db' })).toEqual(before)
  expect(await factsOf(files, { DIB_ARGS: '-o /srv/images/db debian --resume' })).toEqual(before)
  expect(await factsOf(files, { IMAGE_NAME: 'db2' })).not.toEqual(before)
  expect(await factsOf(files, { DIB_ARGS: '-o /srv/images/db debian vm' })).not.toEqual(before)
})

test('which elements there are counts for the scripts that ask', async () => {
  const { inputs } = await factsOf({
    'app/install.d/10-app': script('case " $IMAGE_ELEMENT " in *" vm "*) ;; esac'),
    'app/root.d/20-yaml': script('grep vm <<<"$IMAGE_ELEMENT_YAML"'),
    'app/root.d/30-array': script('eval declare -A image_elements=($(get_image_element_array))'),
  })
  for (const name of ['install.d/10-app', 'root.d/20-yaml', 'root.d/30-array'])
    expect(inputs[name]).toEqual({ 'environment IMAGE_ELEMENT': 'app other' })
})

test('scripts that must not be cached: those that say so, and those outside that may write beside the image', async () => {
  const { never, outputs } = await factsOf({
    'app/install.d/10-never': script('# cache: never'),
    'app/install.d/20-inside': script('echo "$IMAGE_NAME"'),
    'app/cleanup.d/30-outside': script('cp x "$IMAGE_NAME.d/"'),
    'app/cleanup.d/40-safe': script('# cache: safe\necho "$IMAGE_NAME"'),
    'app/cleanup.d/50-output': script('# cache: output SAVE\ncp x "$SAVE/$IMAGE_NAME"'),
    'app/cleanup.d/60-unknown': script('# cache: input something-of-a-newer-builder'),
  })
  expect(never.toSorted()).toEqual(['cleanup.d/30-outside', 'cleanup.d/60-unknown', 'install.d/10-never'])
  expect(outputs).toEqual({ 'cleanup.d/50-output': 'SAVE' })
})

test('directives are read where the script really is: of an install type, or behind a link', async () => {
  const { never } = await factsOf({
    'app/install.d/app-source-install/10-app': script('# cache: never'),
    'app/bin/fetch': script('# cache: never'),
    'app/install.d/20-fetch': { link: '../bin/fetch' },
  })
  expect(never).toEqual(expect.arrayContaining(['install.d/app-source-install/10-app', 'bin/fetch']))
})

test('scripts that may mark files with chattr: themselves, or by a program of an element', async () => {
  const { attributes } = await factsOf({
    'app/install.d/10-marks': script('chattr +i /etc/x'),
    'app/install.d/20-does-not': script('true # xchattrx'),
    'other/bin/protect': script('chattr +i "$1"'),
    'app/install.d/30-calls': script('protect /etc/x'),
  })
  expect(attributes.filter((name) => name.startsWith('install.d'))).toEqual([
    'install.d/10-marks',
    'install.d/30-calls',
  ])
})

test('things of the builder that a script names are told apart by their content', async () => {
  const { inputs } = await factsOf({ 'app/extra-data.d/10-app': script('# cache: input agent node') })
  expect(Object.keys(inputs['extra-data.d/10-app'] ?? {})).toEqual(['agent', 'node'])
  expect(inputs['extra-data.d/10-app']?.agent).toMatch(/^[0-9a-f]{64}$/)
})

test('a file that a variable names counts by its content, wherever it lies', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-facts-'))
  onTestFinished(() => removeTree(directory))
  const file = join(directory, 'sources.list')
  await writeFile(file, 'deb one\n')
  const startOf = async () => (await factsOf({}, { DIB_APT_SOURCES: file, A_DIRECTORY: directory })).start
  const before = await startOf()
  expect(Object.keys(before).toSorted()).toEqual(['builder', 'file DIB_APT_SOURCES'])
  await writeFile(file, 'deb two\n')
  expect(await startOf()).not.toEqual(before)
  const relative = await factsOf({}, { DATASTORE_PKG_LOCATION: 'package.json' })
  expect(Object.keys(relative.start)).toContain('file DATASTORE_PKG_LOCATION')
})

test.each([
  'HISTFILE',
  'XAUTHORITY',
  'MAIL',
  'SHELL',
  'COFFER_NODE',
  'XDG_SESSION_FILE',
  'BASH_ENV',
  'IMAGE_NAME',
])('the file that %s names changes nothing in an image', async (name) => {
  expect(Object.keys((await factsOf({}, { [name]: '/etc/passwd' })).start)).toEqual(['builder'])
})
