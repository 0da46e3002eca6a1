import { copyFile, mkdtemp, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { run } from '../../../../lib/exec.ts'
import { removeTree } from '../../../../lib/tree.ts'
import { type AgentBundle, bundleAgent, OPTIONAL } from '../../../../tools/bundle-agent.ts'

const START = '../../../../elements/guest-agent/static/usr/lib/coffer/agent/start.cjs'

let bundle: AgentBundle
beforeAll(async () => {
  bundle = await bundleAgent()
})

test('the same sources give the same bytes, and the version names them', async () => {
  const again = await bundleAgent()
  expect(again.code).toBe(bundle.code)
  expect(bundle.version).toMatch(/^\d+\.\d+\.\d+\+[0-9a-f]{12}$/)
  expect(bundle.code).toContain(bundle.version)
})

test('nothing of the control plane is in it, nor a native add-on', () => {
  const own = bundle.sources.filter((path) => !path.startsWith('node_modules/'))
  expect(own).toContain('runtime/guestagent/main.ts')
  const allowed = /^(lib|runtime\/(guestagent|rpc|transport|model))\//
  expect(own.filter((path) => !allowed.test(path))).toEqual([])
  expect(bundle.sources.filter((path) => path.endsWith('.node'))).toEqual([])
})

test('it needs nothing but node', () => {
  const required = [...bundle.code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name ?? '')
  expect(required.length).toBeGreaterThan(10)
  const optional: readonly string[] = OPTIONAL
  expect([...new Set(required)].filter((name) => !isBuiltin(name) && !optional.includes(name))).toEqual([])
})

test('it starts, and says in one line what it lacks', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-bundle.'))
  try {
    const file = join(directory, 'agent.cjs')
    await writeFile(file, bundle.code)
    const consoleFile = join(directory, 'console')
    const ended = await run([process.execPath, file, consoleFile], { check: false, timeoutMs: 15_000 })
    expect(ended.exitCode).toBe(1)
    expect(await readFile(consoleFile, 'utf8')).toMatch(
      /^\n\[ *[\d.]+\] coffer: agent: The guest agent cannot go on: There is/,
    )
    expect(ended.stdout).toMatch(
      /^<3>The guest agent cannot go on \{"reason":"There is no .*guest_info\.conf/,
    )
    expect(ended.stdout.trim().split('\n').length).toBe(1)
  } finally {
    await removeTree(directory)
  }
})

test('it is ASCII, as start.cjs reads it', () => {
  expect(/^\p{ASCII}*$/u.test(bundle.code)).toBe(true)
})

test('a rehearsed start is the same start, with an agent of later or with data of another V8 too', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-bundle.'))
  const start = (...words: string[]) =>
    run([process.execPath, join(directory, 'start.cjs'), ...words], { check: false, timeoutMs: 90_000 })
  const expectStart = async () => {
    const { exitCode, stdout } = await start(join(directory, 'console'))
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^<3>The guest agent cannot go on \{"reason":"There is no .*guest_info\.conf/)
  }
  try {
    await copyFile(new URL(START, import.meta.url), join(directory, 'start.cjs'))
    await writeFile(join(directory, 'agent.cjs'), bundle.code)
    await expectStart()
    const rehearsed = await start('--rehearse')
    expect([rehearsed.exitCode, rehearsed.stderr]).toEqual([0, ''])
    expect((await stat(join(directory, 'agent.cache'))).size).toBeGreaterThan(100_000)
    await expectStart()
    // As long as the other: V8 would take the data for it.
    const other = bundle.code.replace('There is no', 'There IS no')
    await writeFile(join(directory, 'agent.cjs'), other)
    await utimes(join(directory, 'agent.cjs'), new Date(), new Date(Date.now() + 5000))
    const { stdout } = await start(join(directory, 'console'))
    expect(stdout).toContain('There IS no')
    await writeFile(join(directory, 'agent.cache'), 'nonsense')
    await writeFile(join(directory, 'agent.cjs'), bundle.code)
    await expectStart()
  } finally {
    await removeTree(directory)
  }
})

test('the clients of all engines load from it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-bundle.'))
  try {
    const file = join(directory, 'clients.cjs')
    const { code } = await bundleAgent('test/fixtures/guest-agent/load-clients.ts')
    await writeFile(file, code)
    const ended = await run([process.execPath, file], { check: false, timeoutMs: 15_000 })
    expect(ended.stderr).toBe('')
    expect(ended.stdout).toBe('createConnection Client createClient connectRabbit\n')
  } finally {
    await removeTree(directory)
  }
})
