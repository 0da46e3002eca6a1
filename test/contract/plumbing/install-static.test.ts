import { chmodSync, cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { canChroot, makeStage, type Stage } from '../../unit/plumbing/stage.ts'

const rsync = await run(['rsync', '--version'], { check: false }).then(
  () => true,
  () => false,
)

describe.skipIf(!canChroot || !rsync)('install-static, compared with rsync -lCr', () => {
  let stage: Stage
  afterAll(() => stage.remove())

  test('the same files, links and permissions', async () => {
    stage = makeStage(['install-static'])
    const at = (path: string) => join(stage.directory, path)
    const names = [
      'plain',
      '.hidden',
      'a b',
      'x~',
      'x.o',
      'x.so',
      'x.so.1',
      'x.bak',
      'core',
      'core.d',
      'tags',
      '#x',
      'x#',
      ',x',
      '$x',
      'x$',
      '_$x',
      '.#x',
      'x.a',
      'x.old',
      'x.rej',
      'cvslog.1',
      '.make.state',
    ]
    for (const directory of ['', 'deep/er/', '.git/', 'CVS/', 'git/']) {
      for (const name of names) stage.write(`hooks/static/opt/tree/${directory}${name}`, name)
    }
    for (const [name, mode] of [
      ['m600', 0o600],
      ['m775', 0o775],
      ['m4755', 0o4755],
      ['m444', 0o444],
    ] as const) {
      stage.write(`hooks/static/opt/tree/${name}`, name)
      chmodSync(at(`hooks/static/opt/tree/${name}`), mode)
    }
    mkdirSync(at('hooks/static/opt/tree/empty'))
    symlinkSync('nowhere', at('hooks/static/opt/tree/dangling'))
    symlinkSync('/etc', at('hooks/static/opt/tree/absolute'))
    stage.write('inside/seed/opt/tree/plain', 'what was there, longer', 0o640)
    cpSync(at('inside/seed'), at('theirs'), { recursive: true })
    chmodSync(at('theirs/opt/tree/plain'), 0o640)

    const umask = [
      'sh',
      '-c',
      'umask 0022; exec rsync -lCr "$1" "$2"',
      'sh',
      `${at('hooks/static')}/`,
      `${at('theirs')}/`,
    ] as const
    await run([...umask], { env: { PATH: process.env.PATH, HOME: at('home') } })
    expect(await stage.inside(['install.d/10-install-static-files'])).toMatchObject({ exitCode: 0 })
    const list = async (tree: string) =>
      (await run(['find', join(tree, 'opt/tree'), '-mindepth', '1', '-printf', '%P %y %m %l\n'])).stdout
        .split('\n')
        .sort()
    const ours = await list(at('inside/changes'))
    expect(ours.length).toBeGreaterThan(30)
    expect(ours).toEqual(await list(at('theirs')))
    expect(stage.read('inside/changes/opt/tree/plain')).toBe('plain')
  })
})
