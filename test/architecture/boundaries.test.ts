import { existsSync, readFileSync } from 'node:fs'
import { globSync } from 'glob'
import { describe, expect, test } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const files = globSync('{lib,phases,builder,registry,runtime}/**/*.ts', {
  cwd: root,
  ignore: '**/elements/**/*.ts',
}).sort()
const source = (file: string) => readFileSync(`${root}${file}`, 'utf8')
const imports = (file: string) =>
  [...source(file).matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1] ?? '')
const room = (file: string) => file.split('/')[0] ?? ''

/** What each room may import from, besides itself. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  phases: ['lib'],
  registry: ['lib', 'phases'],
  builder: ['lib', 'phases', 'registry'],
  runtime: ['lib', 'phases', 'registry'],
}

test('the sources are seen at all', () => {
  expect(files.length).toBeGreaterThan(50)
  expect(new Set(files.map(room))).toContain('phases')
})

test('no arrow runs the wrong way between the rooms', () => {
  const wrong = files.flatMap((file) =>
    imports(file)
      .filter((path) => path.startsWith('.'))
      .map((path) => new URL(path, `file:///${file}`).pathname.slice(1))
      .filter((target) => room(target) !== room(file) && !(allowed[room(file)] ?? []).includes(room(target)))
      .map((target) => `${file} imports ${target}`),
  )
  expect(wrong).toEqual([])
})

/** Imports of one statement each; `type` when nothing of it is left at run time. */
const statements = (file: string) =>
  [...source(file).matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s*)?'([^']+)'/gm)]
    .map(([, type, path = '']) => ({ path, type: type !== undefined }))
    .concat(
      [...source(file).matchAll(/\bimport\('([^']+)'\)/g)].map(([, path = '']) => ({ path, type: false })),
    )

describe('inside of runtime/', () => {
  interface Room {
    /** Rooms of runtime/ that it may use, besides itself and its sub-folders. */
    readonly uses: readonly string[]
    /** Rooms that it may name the types of. */
    readonly names?: readonly string[]
    /** Packages; Node's own modules and types of packages apart. */
    readonly packages?: readonly string[]
  }
  /** What stands on what. A room that is not here may not exist. */
  const ROOMS: Readonly<Record<string, Room>> = {
    model: { uses: [], names: ['rpc'] },
    settings: { uses: [] },
    // The hub's store of messages is a table's repository: the shape of its rows.
    transport: { uses: [], names: ['db'], packages: ['amqplib'] },
    rpc: { uses: ['transport'] },
    // Bundled into one file that runs inside the guest: nothing of the control plane, and no native add-on.
    guestagent: { uses: ['model', 'rpc', 'transport'], packages: ['@redis/client', 'mysql2', 'pg'] },
    db: { uses: ['model'], packages: ['kysely'] },
    identity: {
      uses: [],
      names: ['settings'],
      packages: ['fastify', 'typebox', '@fastify/type-provider-typebox'],
    },
    // The fake driver runs real agents.
    compute: { uses: ['guestagent', 'model', 'rpc', 'transport'], names: ['settings'], packages: ['yaml'] },
    api: {
      uses: ['model', 'rpc', 'transport'],
      names: ['db', 'identity', 'settings'],
      packages: ['fastify', '@fastify/swagger'],
    },
    taskmanager: { uses: ['model', 'rpc', 'transport'], names: ['compute', 'db', 'settings'] },
    conductor: { uses: ['model', 'rpc', 'transport'], names: ['db'] },
    control: {
      uses: ['api', 'compute', 'conductor', 'db', 'identity', 'rpc', 'settings', 'taskmanager', 'transport'],
      packages: ['pino'],
    },
    cli: {
      uses: ['compute', 'control', 'db', 'model', 'settings'],
      names: ['identity', 'transport'],
      packages: ['commander'],
    },
  }
  const inside = files.filter((file) => file.startsWith('runtime/'))
  const subRoom = (file: string) => file.split('/')[1] ?? ''
  const ruleOf = (file: string): Room => ROOMS[subRoom(file)] ?? { uses: [] }

  test('every room has its rule, and every rule its room', () => {
    expect([...new Set(inside.map(subRoom))].toSorted()).toEqual(Object.keys(ROOMS).toSorted())
  })

  test('no arrow runs the wrong way between its rooms', () => {
    const arrows = inside.flatMap((file) =>
      statements(file)
        .filter(({ path }) => path.startsWith('.'))
        .map(({ path, type }) => ({
          file,
          type,
          target: new URL(path, `file:///${file}`).pathname.slice(1),
        }))
        .filter(({ target }) => room(target) === 'runtime' && subRoom(target) !== subRoom(file)),
    )
    expect(arrows.length).toBeGreaterThan(100)
    const wrong = arrows.filter(({ file, type, target }) => {
      const { uses, names = [] } = ruleOf(file)
      return !uses.includes(subRoom(target)) && !(type && names.includes(subRoom(target)))
    })
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([])
  })

  test('packages are used in the rooms that need them', () => {
    const packageOf = (path: string) =>
      path
        .split('/')
        .slice(0, path.startsWith('@') ? 2 : 1)
        .join('/')
    const uses = inside.flatMap((file) =>
      statements(file)
        .filter(({ path, type }) => !type && !/^(\.|node:)/.test(path))
        .map(({ path }) => ({ file, name: packageOf(path) })),
    )
    expect(uses.length).toBeGreaterThan(20)
    const wrong = uses.filter(({ file, name }) => !(ruleOf(file).packages ?? []).includes(name))
    expect(wrong.map(({ file, name }) => `${file} uses ${name}`)).toEqual([])
  })
})

describe('each dangerous thing has one door', () => {
  const users = (pattern: RegExp, doors: readonly string[]) =>
    files.filter((file) => !doors.includes(file) && pattern.test(source(file)))

  test('processes are started in lib only', () => {
    expect(
      users(/child_process|from 'execa'|from 'zx'/, [
        'lib/exec.ts',
        'lib/reaper.ts',
        'lib/user-namespace.ts',
        'lib/worker-process.ts',
      ]),
    ).toEqual([])
  })

  test('mount(8) and umount(8) are called in lib/mount.ts only', () => {
    expect(users(/run\(\[\s*'u?mount'/, ['lib/mount.ts'])).toEqual([])
  })

  test('trees are deleted in lib/tree.ts only', () => {
    expect(users(/'rm',\s*'-rf?'|rm -rf/, ['lib/tree.ts', 'lib/reaper.ts'])).toEqual([])
  })

  const importers = (pattern: RegExp, doors: RegExp) =>
    files.filter(
      (file) => !doors.test(file) && statements(file).some(({ path, type }) => !type && pattern.test(path)),
    )

  test('SQL is written in lib/sql and in the rooms of the two databases only', () => {
    expect(importers(/^kysely/, /^(lib\/sql|registry\/db|runtime\/db)\//)).toEqual([])
    // The second is a lock that dies with its process, which Node reaches through SQLite only.
    expect(importers(/^node:sqlite$/, /^(lib\/sql\/sqlite|runtime\/control\/state-lock)\.ts$/)).toEqual([])
  })

  test('RabbitMQ is spoken to in its own folder only', () => {
    expect(importers(/^amqplib/, /^runtime\/transport\/rabbitmq\//)).toEqual([])
  })

  test('ports are opened in named places only', () => {
    const doors = [
      'builder/packages/proxy.ts',
      // Only to see whether a port is free.
      'runtime/cli/coffer/checks/network.ts',
      'runtime/control/control-plane.ts',
      'runtime/identity/index.ts',
      'runtime/transport/embedded/listener.ts',
    ]
    expect(files.filter((file) => /\.listen\(/.test(source(file)))).toEqual(doors)
  })

  test('runtime/ reaches for sockets in named places only', () => {
    const pieces = (file: string) =>
      [...source(file).matchAll(/^import \{([^}]*)\} from 'node:(?:net|tls|http|https|dgram)'/gm)]
        .flatMap(([, names = '']) => names.split(','))
        .map((name) => name.trim())
        .filter((name) => !/^(type .*|isIP|isIPv4|isIPv6|STATUS_CODES|)$/.test(name))
    expect(files.filter((file) => file.startsWith('runtime/') && pieces(file).length > 0)).toEqual([
      'runtime/cli/coffer/checks/network.ts',
      'runtime/cli/trove/service/http.ts',
      'runtime/compute/qemu/qmp/client.ts',
      'runtime/transport/embedded/link.ts',
      'runtime/transport/embedded/listener.ts',
    ])
  })

  test('the environment is read where a program begins, and handed on from there', () => {
    const readers = files.filter((file) => file.startsWith('runtime/') || file.startsWith('registry/'))
    expect(readers.filter((file) => /\bprocess\.env\b/.test(source(file)))).toEqual([
      'runtime/cli/coffer/next-commands.ts',
      'runtime/cli/coffer/settings.ts',
      'runtime/cli/coffer/up.ts',
      'runtime/cli/trove-manage/services.ts',
      'runtime/cli/trove/main.ts',
      // PATH, for the tools that make the drive.
      'runtime/compute/config-drive/config-drive.ts',
      'runtime/control/program.ts',
      'runtime/guestagent/bundle/entry.ts',
    ])
  })

  test('nothing is printed through console', () => {
    expect(users(/\bconsole\.(log|error|warn|info)\(/, [])).toEqual([])
  })
})

test('no file is two ideas long', () => {
  const long = files
    .map((file) => ({ file, lines: source(file).split('\n').length }))
    .filter(({ lines }) => lines > 500)
  expect(long).toEqual([])
})

test('nothing names a package registry, a mirror or a path of one machine', () => {
  const tracked = globSync('{lib,phases,builder,elements,docs,test,tools}/**/*', {
    cwd: root,
    nodir: true,
    ignore: 'test/architecture/**',
  })
  // Assembled so that this file does not name what it forbids.
  const forbidden = new RegExp(
    [
      'deb' + '\\.debian\\.org',
      'registry' + '\\.npmjs',
      'ftp\\.[a-z]+' + '\\.debian',
      '/wor' + 'k/main',
    ].join('|'),
  )
  expect(tracked.length).toBeGreaterThan(100)
  const readable = tracked.filter((file) => existsSync(`${root}${file}`))
  expect(readable.filter((file) => forbidden.test(readFileSync(`${root}${file}`, 'latin1')))).toEqual([])
})
