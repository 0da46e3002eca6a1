import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { removeTree } from '../../lib/tree.ts'
import { tarMembers } from '../e2e/tar-members.ts'
import { withElements } from './engine-elements.ts'
import { inOwnMounts, leftovers, workDirectory } from './harness.ts'
import { cachedBuilds, expectSameImage, script, tarAttributes, whatHappened } from './step-cache-support.ts'

// The image is the same, whatever of it came from the cache; and what no layer can hold is not cached.

const work = await workDirectory()

/** Scripts that make of a tree what overlayfs finds hardest. Each changes what the one before has left in a layer below. */
const changes = {
  'changes/root.d/20-make': script(`
cd "$TARGET_ROOT"; mkdir -p srv/gone/deep srv/moved/sub srv/opaque/old srv/plain "srv/with blank" opt/tree
for name in gone/deep/x moved/a moved/sub/b opaque/old/c opaque/d plain/e "with blank/ü" file-to-directory; do
    echo "first $name" > "srv/$name"
done
echo one > srv/link-1; ln srv/link-1 srv/link-2; ln srv/link-1 opt/link-3; chmod 4750 srv/link-1
ln -s plain srv/to-directory; ln -s nowhere srv/dangling; mkfifo srv/pipe; mknod srv/null c 1 3
install -m 2755 -o 1234 -g 42 /dev/null srv/owned; chmod 1777 srv/plain; mkdir srv/directory-to-file
cp /bin/true srv/capable; setcap cap_net_raw+ep srv/capable; cp /bin/true srv/capable-2; setcap cap_chown+ep srv/capable-2
truncate -s 9M srv/sparse`),
  'changes/install.d/30-change': script(`
cd /srv; rm -rf gone; mv moved renamed; rm -rf opaque; mkdir opaque; echo new > opaque/new
rm file-to-directory; mkdir file-to-directory; echo in > file-to-directory/in
rmdir directory-to-file; echo file > directory-to-file
echo two >> link-2; rm to-directory; mkdir to-directory; echo t > to-directory/t; ln -sfn plain dangling
chmod 700 plain; chown 7:8 owned; mv "with blank/ü" plain/ü; rm -r "with blank"; mv capable-2 renamed/`),
  'changes/post-install.d/40-change': script(`
cd /srv; mv renamed renamed-again; echo more >> renamed-again/sub/b; rm renamed-again/a; mkdir -p gone/deep; echo back > gone/y
echo three >> /opt/link-3; rm link-1; echo again > opaque/d; chmod 711 /srv; rm pipe; ln link-2 link-4`),
  'changes/post-root.d/50-outside': script(`
cd "$TMP_MOUNT_PATH"; chmod 701 .; setcap cap_net_admin+ep srv/renamed-again/capable-2; touch -h srv/dangling
mv srv/renamed-again/sub opt/tree/sub; rm srv/null`),
  'changes/finalise.d/60-inside': script(
    'cd /srv; echo four >> link-4; mv /opt/tree /opt/last; echo x >> /opt/last/sub/b',
  ),
  'changes/cleanup.d/70-last': script('rm "$TARGET_ROOT/srv/to-directory/t"'),
}
const elementsPath = await withElements(work, changes)
const { command, build, built, explained } = cachedBuilds(work, elementsPath)

/** Makes a script another one that does the same. */
const touch = async (file: string) => {
  const path = `${work}/elements/${file}`
  await writeFile(path, `${await readFile(path, 'utf8')}# touched\n`)
}

describe('a tree of layers', () => {
  const image = (name: string) => `${work}/${name}.tar`
  const elements = ['changes']
  beforeAll(async () => {
    await built(elements, { name: 'first' })
  })

  test('holds what the scripts have made', async () => {
    const members = await tarMembers(image('first'))
    const below = (directory: string) =>
      [...members.keys()].filter((name) => name.startsWith(`./${directory}/`)).toSorted()
    expect(below('srv/opaque')).toEqual(['./srv/opaque/d', './srv/opaque/new'])
    expect(below('srv/gone')).toEqual(['./srv/gone/deep', './srv/gone/y'])
    expect(below('srv/renamed-again')).toEqual(['./srv/renamed-again/capable-2'])
    expect(below('opt')).toEqual(['./opt/last', './opt/last/sub', './opt/last/sub/b', './opt/link-3'])
    expect(members.get('./srv/link-2')).toMatchObject({
      mode: '4750',
      link: 'one file: ./opt/link-3 ./srv/link-2 ./srv/link-4',
    })
    expect(members.get('./srv/owned')).toMatchObject({ owner: '7:8' })
    expect(members.get('./srv')?.mode).toBe('711')
    const attributes = await tarAttributes(image('first'))
    expect(Object.keys(attributes)).toEqual(['./srv/capable', './srv/renamed-again/capable-2'])
  })

  test.each([
    ['the last script', 'cleanup.d/70-last', 5],
    ['all but the first script', 'install.d/30-change', 1],
  ] as const)('is the same when %s has run again', async (_what, file, cached) => {
    await touch(`changes/${file}`)
    const result = await built(elements, { name: 'again' })
    expect(result.cached).toHaveLength(cached + 1)
    await expectSameImage(image('first'), image('again'))
  })

  test('is the same when every step comes from the cache', async () => {
    const result = await built(elements, { name: 'all-cached' })
    expect(result.ran).toEqual([])
    expect(result.cached).toHaveLength(7)
    await expectSameImage(image('first'), image('all-cached'))
  })

  test('is the same without a cache', async () => {
    await built(elements, { name: 'uncached', cache: '--no-cache' })
    await expectSameImage(image('first'), image('uncached'))
  })

  /** Builds with a directory that overlayfs cannot write to: an overlay. `$1` is the directory, the rest the command. */
  const ON_OVERLAY = [
    'set -eu',
    'mkdir -p "$1"; mount -t tmpfs none "$1"; cd "$1"; mkdir lower upper work merged; shift',
    'mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged',
    'exec "$@"',
  ].join('\n')

  test.each([
    ['layers are in memory where the cache cannot hold them', 'in-memory', {}],
    ['a plain directory, where layers cannot be had at all', 'plain', { TMP_DIR: '', DIB_NO_TMPFS: '1' }],
  ])('is the same as %s', async (_what, name, env) => {
    const place = `${work}/overlay-${name}`
    const { argv, settings } = command(elements, { name })
    const overlay = [...inOwnMounts, ON_OVERLAY, 'bash', place] as const
    const result = await run([...overlay, 'env', `--chdir=${work}`, ...argv], {
      ...settings,
      env: {
        ...settings.env,
        DIB_IMAGE_CACHE: `${place}/merged`,
        ...('TMP_DIR' in env ? { ...env, TMP_DIR: `${place}/merged` } : {}),
      },
    })
    expect(result.exitCode, result.stdout).toBe(0)
    expect(result.stdout).toContain(
      `No step is taken from the cache or kept: overlayfs cannot write to ${place}/merged/steps\n`,
    )
    expect(whatHappened(result.stdout).ran).toHaveLength(7)
    await expectSameImage(image('first'), image(name))
    expect(await leftovers(work)).toEqual([])
  })
})

describe('what no layer holds', () => {
  const start = script('echo start')
  const end = script('echo end')
  const FROM_HERE = 'From here on steps are not cached: '
  /** Element → its files besides `start` in root.d and `end` in cleanup.d, why nothing is cached, and what still is. */
  const cases: Readonly<
    Record<string, readonly [Readonly<Record<string, string>>, RegExp, readonly string[]]>
  > = {
    'leaves-mount': [
      {
        'extra-data.d/40-mount': script(
          'mkdir "$TMP_MOUNT_PATH/mnt-x"; mount -t tmpfs none "$TMP_MOUNT_PATH/mnt-x"; echo > "$TMP_MOUNT_PATH/mnt-x/file"',
        ),
        'install.d/50-sees': script('test -e /mnt-x/file; echo seen > /etc/result'),
      },
      /^\/mnt-x was left mounted in the image$/,
      ['10-tiny-os', '20-start'],
    ],
    'leaves-daemon': [
      {
        'install.d/40-daemon': script('sleep 300 < /dev/null > /dev/null 2>&1 &'),
        'install.d/50-sees': script('echo seen > /etc/result'),
      },
      /^sleep \(pid \d+\) was left running in the image$/,
      ['10-tiny-os', '20-start'],
    ],
    'writes-beside': [
      {
        'extra-data.d/40-write': script('echo seen > "$TMP_BUILD_DIR/state"'),
        'post-root.d/50-reads': script('cp "$TMP_BUILD_DIR/state" "$TMP_MOUNT_PATH/etc/result"'),
      },
      /^\/\S+\/dib_build\.\w+\/state was written outside the tree$/,
      ['10-tiny-os', '20-start'],
    ],
    'marks-files': [
      {
        'post-root.d/40-mark': script(
          'cd "$TMP_MOUNT_PATH/etc"; echo seen > result; chattr +i result || true; lsattr result || true; chattr -i result || true',
        ),
        'finalise.d/50-sees': script('cat /etc/result'),
      },
      /^post-root\.d\/40-mark may mark files with chattr$/,
      ['10-tiny-os', '20-start'],
    ],
    'adds-scripts': [
      {
        'extra-data.d/40-add': script(
          `printf '#!/bin/bash\\necho seen > /etc/result\\n' > "$TMP_HOOKS_PATH/install.d/45-added"
chmod +x "$TMP_HOOKS_PATH/install.d/45-added"`,
        ),
        'pre-install.d/42-before': script(),
        'install.d/50-sees': script('cat /etc/result'),
      },
      /^an element changed the scripts of install\.d while the build ran$/,
      ['10-tiny-os', '20-start', '40-add', '42-before'],
    ],
    'takes-scripts': [
      {
        'extra-data.d/40-take': script(
          'rm -r "$TMP_HOOKS_PATH/post-root.d" "$TMP_HOOKS_PATH/post-install.d"',
        ),
        'install.d/50-sees': script('echo seen > /etc/result'),
        'post-install.d/60-taken': script('echo taken > /etc/result'),
        'post-root.d/60-taken': script('echo taken > "$TMP_MOUNT_PATH/etc/result"'),
      },
      /^an element took away post-install\.d\/60-taken while the build ran$/,
      ['10-tiny-os', '20-start', '40-take', '50-sees'],
    ],
  }

  test.each(Object.keys(cases))('%s: the build is right, says so, and runs the rest again', async (name) => {
    const [files, reason, cached] = cases[name] as (typeof cases)[string]
    await withElements(
      work,
      Object.fromEntries(
        Object.entries({ 'root.d/20-start': start, 'cleanup.d/90-end': end, ...files }).map(
          ([file, text]) => [`${name}/${file}`, text],
        ),
      ),
    )
    // Once more where the build begins with what the cache has kept of it.
    for (const times of cached.includes('40-add') || cached.includes('40-take')
      ? ['first', 'second']
      : ['first']) {
      const result = await built([name], { name })
      const said = result.output.split('\n').filter((line) => line.startsWith(FROM_HERE))
      expect(said, times).toEqual([expect.stringMatching(reason.source.replace('^', FROM_HERE))])
      const { stdout } = await run(['tar', '-xOf', `${work}/${name}.tar`, './etc/result'])
      expect(stdout, times).toBe('seen\n')
    }
    expect((await explained([name], { name })).cached).toEqual(cached)
    expect(await leftovers(work)).toEqual([])
  })
})

describe('what scripts change in the hooks', () => {
  const elements = ['hooks']
  const text = async () => (await run(['tar', '-xOf', `${work}/hooks.tar`, './etc/seen'])).stdout
  beforeAll(async () => {
    await withElements(work, {
      'hooks/extra-data.d/40-change': script(`
echo 'export FROM_EXTRA=yes' > "$TMP_HOOKS_PATH/environment.d/50-extra.bash"
echo data > "$TMP_HOOKS_PATH/extra.txt"
sed -i 's/before/after/' "$TMP_HOOKS_PATH/install.d/50-changed"; rm "$TMP_HOOKS_PATH/old.txt"`),
      'hooks/extra-data.d/45-same-phase': script('echo "${FROM_EXTRA:-no}" > "$TMP_MOUNT_PATH/etc/seen"'),
      'hooks/install.d/50-changed': script('echo before >> /etc/seen'),
      'hooks/install.d/60-sees': script(
        'cat /tmp/in_target.d/extra.txt >> /etc/seen; echo "${FROM_EXTRA:-no}" >> /etc/seen; test ! -e /tmp/in_target.d/old.txt',
      ),
      'hooks/old.txt': '',
    })
    await built(elements, { name: 'hooks' })
  })

  test('later phases see it, and the phase itself goes on as it began', async () => {
    expect(await text()).toBe('no\nafter\ndata\nyes\n')
  })

  test('also when the change comes from the cache', async () => {
    await touch('hooks/install.d/60-sees')
    const later = await built(elements, { name: 'hooks' })
    expect(later.ran).toEqual(['install.d/60-sees'])
    expect(await text()).toBe('no\nafter\ndata\nyes\n')
    await touch('hooks/extra-data.d/45-same-phase')
    const half = await built(elements, { name: 'hooks' })
    expect(half.cached).toEqual(['root.d/10-tiny-os', 'extra-data.d/40-change'])
    expect(await text()).toBe('no\nafter\ndata\nyes\n')
  })
})

test('name servers that the host has changed meanwhile do not hide what a cached script made of the file', async () => {
  const elements = ['names']
  await withElements(work, {
    'names/finalise.d/50-names': script('ln -sfn ../run/own-resolv.conf /etc/resolv.conf'),
    'names/cleanup.d/60-after': script(),
  })
  await built(elements, { name: 'names' })
  await rename(`${work}/names.tar`, `${work}/names-before.tar`)
  await touch('names/cleanup.d/60-after')
  await writeFile(`${work}/resolv.conf`, 'nameserver 192.0.2.1\n')
  const { argv, settings } = command(elements, { name: 'names' })
  const elsewhere = 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"'
  const shell = ['unshare', '--mount', '--propagation', 'private', 'bash', '-c', elsewhere, 'bash'] as const
  const result = await run([...shell, `${work}/resolv.conf`, ...argv], settings)
  expect(whatHappened(result.stdout).ran).toEqual(['cleanup.d/60-after'])
  await expectSameImage(`${work}/names-before.tar`, `${work}/names.tar`)
})

describe('a directory on the host that a script fills', () => {
  const elements = ['fills']
  const list = (directory: string) => readFile(`${directory}/fills.d/lists/packages`, 'utf8')
  beforeAll(async () => {
    await withElements(work, {
      'fills/environment.d/20-fills': 'export SAVE_DIR=${SAVE_DIR:-${IMAGE_NAME}.d}\n',
      'fills/cleanup.d/50-fills': script(
        '# cache: output SAVE_DIR\nmkdir -p "$SAVE_DIR/lists"; echo bash > "$SAVE_DIR/lists/packages"',
      ),
      'fills/cleanup.d/60-after': script(),
    })
    await built(elements, { name: 'fills' })
  })

  test('is filled again from the cache, with the image and with a single step', async () => {
    await removeTree(`${work}/fills.d`)
    expect((await built(elements, { name: 'fills' })).ran).toEqual([])
    expect(await list(work)).toBe('bash\n')
    await removeTree(`${work}/fills.d`)
    await touch('fills/cleanup.d/60-after')
    expect((await built(elements, { name: 'fills' })).ran).toEqual(['cleanup.d/60-after'])
    expect(await list(work)).toBe('bash\n')
  })

  test('is beside the image, wherever that is', async () => {
    await run(['mkdir', '-p', `${work}/one`, `${work}/two`])
    await removeTree(`${work}/fills.d`)
    expect((await built(elements, { name: 'fills', cwd: `${work}/one` })).ran).toEqual([])
    expect(await list(`${work}/one`)).toBe('bash\n')
    expect((await built(elements, { name: `${work}/two/fills` })).ran).toEqual([])
    expect(await list(`${work}/two`)).toBe('bash\n')
    expect(await readdir(work)).not.toContain('fills.d')
  })

  test('a build that fills none leaves none', async () => {
    await build(['every-phase'], { name: 'none' })
    await built(['every-phase'], { name: 'none' })
    expect(await readdir(work)).not.toContain('none.d')
  })
})
