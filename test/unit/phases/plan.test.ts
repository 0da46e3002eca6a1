import { describe, expect, test } from 'vitest'
import { type Plan, planJson, renderPlan } from '../../../phases/plan.ts'
import { planOf, type Tree } from './element-tree.ts'

const SCRIPT = '#!/bin/bash\n'

function stepsOf(plan: Plan, phase: string): string[] {
  return (
    plan.phases.find(({ name }) => name === phase)?.steps.map(({ name, element }) => `${name} ${element}`) ??
    []
  )
}

describe('scripts', () => {
  test('scripts of all elements run phase by phase, as the book describes it', async () => {
    const element = (name: string, letter: string): Tree =>
      Object.fromEntries(
        ['root', 'pre-install'].flatMap((phase) =>
          [10, 20].map((number) => [`${name}/${phase}.d/${number}-${phase}-${letter}`, SCRIPT]),
        ),
      )
    const files = { ...element('1st-element', 'f'), ...element('2nd-element', 's') }
    const plan = await planOf(
      { ...files, 'os/root.d/50-yum-cache': SCRIPT, 'os/root.d/10-centos6-cloud-image': SCRIPT },
      ['2nd-element', '1st-element'],
    )
    expect(stepsOf(plan, 'root.d')).toEqual([
      '10-centos6-cloud-image os',
      '10-root-f 1st-element',
      '10-root-s 2nd-element',
      '20-root-f 1st-element',
      '20-root-s 2nd-element',
      '50-yum-cache os',
    ])
    expect(stepsOf(plan, 'pre-install.d')).toEqual([
      '10-pre-install-f 1st-element',
      '10-pre-install-s 2nd-element',
      '20-pre-install-f 1st-element',
      '20-pre-install-s 2nd-element',
    ])
    expect(plan.phases).toHaveLength(10)
  })

  test('a script that is a link runs what it points to', async () => {
    const plan = await planOf(
      { 'app/install.d/10-x': { link: '../bin/x' }, 'app/bin/x': { text: 'true\n', mode: 0o700 } },
      ['app'],
    )
    const step = plan.phases.flatMap(({ steps }) => steps)[0]
    expect(step).toMatchObject({ name: '10-x', destination: 'bin/x', mode: 0o700, phase: 'install.d' })
    expect(step?.source).toMatch(/\/app\/bin\/x$/)
  })

  test('scripts that element install-types will link are in the plan, in its place among the others', async () => {
    const files = {
      'install-types/extra-data.d/99-enable-install-types': SCRIPT,
      'app/install.d/50-app': SCRIPT,
      'app/install.d/app-source-install/9-first': SCRIPT,
      'app/install.d/app-package-install/9-first': SCRIPT,
    }
    const plan = await planOf(files, ['install-types', 'app'], {
      environment: { DIB_INSTALLTYPE_app: 'package' },
    })
    const steps = plan.phases.find(({ name }) => name === 'install.d')?.steps
    expect(steps?.map(({ name, destination, installType }) => [name, destination, installType])).toEqual([
      ['9-first', 'install.d/app-package-install/9-first', 'package'],
      ['50-app', 'install.d/50-app', undefined],
    ])
    expect(stepsOf(await planOf(files, ['app']), 'install.d')).toEqual(['50-app app'])
  })

  test('environment files stand in the order in which they are sourced', async () => {
    const plan = await planOf(
      { 'app/environment.d/9-c': '', 'app/environment.d/100-a.bash': '', 'os/environment.d/11-b': '' },
      ['app'],
    )
    expect(plan.environmentFiles.map(({ name, element }) => `${name} ${element}`)).toEqual([
      '100-a.bash app',
      '11-b os',
      '9-c app',
    ])
  })
})

describe('what will not run', () => {
  test('a hook that DIB would skip without a word is a warning', async () => {
    const plan = await planOf(
      {
        'app/install.d/10-forgotten': { text: SCRIPT, mode: 0o644 },
        'app/install.d/20-app.sh': SCRIPT,
        'app/install.d/30-broken': { link: 'nowhere' },
        'app/environment.d/10-x~': '',
      },
      ['app'],
    )
    expect(plan.warnings).toEqual([
      'install.d/10-forgotten of element app will not run: not executable',
      'install.d/20-app.sh of element app will not run: its name has characters that run-parts refuses',
      'install.d/30-broken of element app will not run: a link to nothing in the hooks',
      'environment.d/10-x~ of element app will not run: its name has characters that run-parts refuses',
    ])
    expect(plan.phases.flatMap(({ steps }) => steps)).toEqual([])
  })

  test('data beside scripts is listed without a warning', async () => {
    const plan = await planOf({ 'app/install.d/app.service': '', 'app/install.d/package-installs-app': '' }, [
      'app',
    ])
    expect(plan.warnings).toEqual([])
    expect(plan.skipped.map(({ destination, reason }) => [destination, reason])).toEqual([
      ['install.d/app.service', 'not executable'],
      ['install.d/package-installs-app', 'not executable'],
    ])
  })

  test('a misspelt phase is a warning; directories of other kinds are not', async () => {
    const plan = await planOf(
      { 'app/finalize.d/10-x': SCRIPT, 'app/init.d/10-x': '', 'app/modprobe.d/x.conf': '' },
      ['app'],
    )
    expect(plan.warnings).toEqual([
      'finalize.d of element app is not a phase, so nothing in it runs. Did you mean finalise.d?',
    ])
  })
})

describe('content ids', () => {
  const files: Tree = {
    'os/root.d/10-bootstrap': SCRIPT,
    'os/environment.d/10-os': 'export DISTRO_NAME=debian\n',
    'os/element-deps': 'tools\n',
    'tools/bin/fetch': SCRIPT,
    'app/install.d/20-app': SCRIPT,
    'app/install.d/30-more': SCRIPT,
    'app/static/etc/motd': 'hello\n',
  }
  const ids = async (change: Tree = {}, input: Parameters<typeof planOf>[2] = {}) => {
    const plan = await planOf({ ...files, ...change }, ['app'], input)
    return Object.fromEntries(plan.phases.flatMap(({ steps }) => steps.map(({ name, id }) => [name, id])))
  }
  /** The names of the steps whose id a change alters. */
  const changedBy = async (change: Tree, input: Parameters<typeof planOf>[2] = {}) => {
    const [before, after] = [await ids(), await ids(change, input)]
    return Object.keys(after).filter((name) => before[name] !== after[name])
  }

  test('the same elements in another directory have the same ids', async () => {
    expect(await ids()).toEqual(await ids())
    expect(Object.values(await ids())).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}$/),
      expect.stringMatching(/^[0-9a-f]{64}$/),
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ])
  })

  test('a changed script changes its id and all that follow', async () => {
    expect(await changedBy({ 'app/install.d/20-app': `${SCRIPT}echo new\n` })).toEqual(['20-app', '30-more'])
  })

  test('its mode counts', async () => {
    expect(await changedBy({ 'app/install.d/30-more': { text: SCRIPT, mode: 0o700 } })).toEqual(['30-more'])
  })

  test('data of any element counts from extra-data.d on, not for the bootstrap', async () => {
    expect(await changedBy({ 'app/static/etc/motd': 'bye\n' })).toEqual(['20-app', '30-more'])
  })

  test('data of elements it depends on counts for the bootstrap, too', async () => {
    expect(await changedBy({ 'tools/bin/fetch': `${SCRIPT}echo new\n` })).toEqual([
      '10-bootstrap',
      '20-app',
      '30-more',
    ])
  })

  test('environment files, variables that cross, the architecture and other inputs count for everything', async () => {
    const all = ['10-bootstrap', '20-app', '30-more']
    expect(await changedBy({ 'os/environment.d/10-os': 'export DISTRO_NAME=ubuntu\n' })).toEqual(all)
    expect(await changedBy({}, { environment: { DIB_RELEASE: 'trixie' } })).toEqual(all)
    expect(await changedBy({}, { environment: { DIB_PASSWORD: 'secret' } })).toEqual(all)
    expect(await changedBy({}, { arch: 'arm64' })).toEqual(all)
    expect(await changedBy({}, { inputs: { packages: 'curl' } })).toEqual(all)
  })

  test('what differs from run to run does not count', async () => {
    const environment = {
      TMP_BUILD_DIR: '/tmp/dib_build.1',
      TERM: 'xterm',
      PWD: '/home',
      DIB_ENV: 'x',
      PS4: '+ ',
    }
    expect(await changedBy({}, { environment })).toEqual([])
  })

  test('two passwords give two ids, and neither is in the plan', async () => {
    const [one, two] = await Promise.all(
      ['hunter2', 'hunter3'].map((DIB_PASSWORD) => planOf(files, ['app'], { environment: { DIB_PASSWORD } })),
    )
    expect(one?.id).not.toBe(two?.id)
    expect(planJson(one as Plan)).not.toContain('hunter2')
  })

  test("the plan's id is that of its last step", async () => {
    const plan = await planOf(files, ['app'])
    expect(plan.id).toBe(plan.phases.flatMap(({ steps }) => steps).at(-1)?.id)
  })
})

describe('printing', () => {
  const files: Tree = {
    'os/root.d/10-bootstrap': SCRIPT,
    'os/environment.d/10-os': '',
    'app/element-deps': 'install-types\nlib\n',
    'app/install.d/30-app': SCRIPT,
    'app/install.d/30-app.sh': SCRIPT,
    'app/install.d/app-source-install/40-agent': SCRIPT,
    'app/static/etc/motd': 'app\n',
    'lib/static/etc/motd': 'lib\n',
    'app/README.rst': 'app\n',
    'lib/README.rst': 'lib\n',
    'install-types/extra-data.d/99-enable-install-types': SCRIPT,
  }
  const environment = {
    DIB_RELEASE: 'bookworm',
    DIB_PASSWORD: 'hunter2',
    http_proxy: 'http://me:pw@proxy:3128',
    DIB_LINES: 'a\nb',
    EMPTY: '',
  }

  test('a person reads elements and why, scripts by phase and side, and what crosses', async () => {
    const plan = await planOf(files, ['app'], { environment, requested: ['app'] })
    const text = renderPlan(plan)
      .replace(/\b[0-9a-f]{64}\b/g, '(id)')
      .replace(/\b[0-9a-f]{12}\b/g, '(short id)')
      .replace(/\/\S+\/coffer-phases-\w+/g, '/elements')
    expect(text).toBe(`Elements (4, amd64)
  os             added by default  /elements/os
  install-types  needed by app     /elements/install-types
  lib            needed by app     /elements/lib
  app            named             /elements/app

Environment files, sourced before every phase
  10-os  os

root.d, outside the chroot, 1 script
  10-bootstrap  os  (short id)

extra-data.d, outside the chroot, 1 script
  99-enable-install-types  install-types  (short id)

install.d, inside the chroot, 2 scripts
  30-app    app                        (short id)
  40-agent  app (install type source)  (short id)

Files that replace those of another element
  static/etc/motd: app over lib

Environment that crosses into the chroot
  DIB_LINES="a\\nb"
  DIB_PASSWORD='********'
  DIB_RELEASE=bookworm
  EMPTY=
  HOME=/root
  LOGNAME=root
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  USER=root
  http_proxy='http://********@proxy:3128'

Warnings
  install.d/30-app.sh of element app will not run: its name has characters that run-parts refuses

Plan (id)
`)
  })

  test('a program reads the same as JSON', async () => {
    const plan = await planOf(files, ['app'], { environment })
    expect(JSON.parse(planJson(plan))).toEqual(plan)
    expect(planJson(plan)).not.toMatch(/hunter2|me:pw/)
  })
})
