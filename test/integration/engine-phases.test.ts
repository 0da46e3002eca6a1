import { stat } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { create, fixtureElements, leftovers, workDirectory } from './harness.ts'

// One build of everything that needs no unusual circumstances; the tests read its output and its tree.
const work = await workDirectory()
let output = ''
let members: string[] = []

const caller = {
  CALLER_SAYS: 'hello world',
  https_proxy: 'http://proxy.invalid:3128',
  TMPDIR: '/var/tmp',
  VIRTUAL_ENV: '/opt/venv',
  LD_LIBRARY_PATH: '/opt/lib',
  IMAGE_BLOCK_DEVICE: '/dev/somebody-elses',
}

beforeAll(async () => {
  const elements = ['tiny-os', 'phase-environment', 'leaves-things', 'odd-scripts', 'block-device-mbr']
  const result = await create(work, ['-n', '-o', 'all', '-t', 'tar,raw', '-a', 'amd64', ...elements], caller)
  output = result.output
  expect(result.exitCode, output).toBe(0)
  members = (await run(['tar', '-tf', `${work}/all.tar`])).stdout.trimEnd().split('\n')
})

/** The environment a phase's script saw. */
function environmentOf(phase: string): Record<string, string> {
  const lines = output.split('\n').filter((line) => line.startsWith(`ENV ${phase} `))
  return Object.fromEntries(
    lines.map((line) => {
      const entry = line.slice(`ENV ${phase} `.length)
      return [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]
    }),
  )
}

const inTree = async (path: string): Promise<string> =>
  (await run(['tar', '-xOf', `${work}/all.tar`, path])).stdout

describe('the environment of scripts', () => {
  test.each(['root.d', 'install.d', 'pre-finalise.d', 'finalise.d', 'cleanup.d'])(
    '%s has what DIB exports',
    (phase) => {
      const env = environmentOf(phase)
      const build = env.TMP_BUILD_DIR ?? ''
      expect(build).toMatch(new RegExp(`^${work}/dib_build\\.`))
      expect(env).toMatchObject({
        ARCH: 'amd64',
        DIB_ARGS: expect.stringMatching(/^-n -o all -t tar,raw -a amd64 tiny-os /),
        DIB_BLOCK_DEVICE_PARAMS_YAML: `${build}/block-device/params.yaml`,
        DIB_BOOT_LABEL: '',
        DIB_CHECKSUM: '0',
        DIB_DEBUG_TRACE: '0',
        DIB_ENV: expect.stringContaining('declare -x'),
        DIB_IMAGE_CACHE: `${work}/cache`,
        DIB_LOCKFILES: `${work}/.cache/dib/lockfiles`,
        DIB_MIN_TMPFS: '2',
        DIB_MOUNTPOINTS: '/',
        DIB_NO_TMPFS: '0',
        DIB_OFFLINE: '',
        DIB_PYTHON_EXEC: expect.stringMatching(/python3$/),
        DIB_ROOT_FSTYPE: 'ext4',
        DIB_ROOT_LABEL: 'cloudimg-rootfs',
        ELEMENTS_PATH: expect.stringMatching(new RegExp(`^${fixtureElements}:.*/elements$`)),
        FS_TYPE: 'ext4',
        IMAGE_ELEMENT: 'tiny-os phase-environment leaves-things install-types odd-scripts block-device-mbr',
        IMAGE_ELEMENT_YAML: expect.stringContaining('block-device-mbr: /'),
        IMAGE_NAME: 'all',
        IMAGE_TYPE: 'qcow2',
        LC_ALL: 'C',
        OUT_IMAGE_PATH: '',
        SKIP_BASE: '1',
        TMP_HOOKS_PATH: `${build}/hooks`,
        TMP_IMAGE_DIR: expect.stringMatching(new RegExp(`^${work}/dib_image\\.`)),
        TMP_MOUNT_PATH: `${build}/mnt`,
        _LIB: expect.stringMatching(/^\//),
        COFFER_VERSION: expect.stringMatching(/./),
        // What environment.d files export, and what the caller has.
        DIB_RELEASE: 'one',
        DIB_BLOCK_DEVICE: 'mbr',
        CALLER_SAYS: 'hello world',
        https_proxy: 'http://proxy.invalid:3128',
      })
    },
  )

  test('outside, the caller keeps home, TMPDIR and search path; the system directories are added', () => {
    const env = environmentOf('root.d')
    expect(env).toMatchObject({ HOME: work, TMPDIR: '/var/tmp', VIRTUAL_ENV: '/opt/venv' })
    expect(env.PATH?.split(':')).toEqual(expect.arrayContaining(['/sbin', '/usr/sbin', '/usr/local/sbin']))
  })

  test('inside, root is at home, and what names files of the host stays outside', () => {
    const env = environmentOf('install.d')
    expect(env).toMatchObject({
      HOME: '/root',
      USER: 'root',
      PWD: '/',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    })
    for (const name of ['TMPDIR', 'VIRTUAL_ENV', 'LD_LIBRARY_PATH', 'TARGET_ROOT'])
      expect(env).not.toHaveProperty(name)
  })

  test('functions exist outside only', () => {
    const functions = (phase: string) =>
      [...output.matchAll(new RegExp(`^FUNCTION ${phase} (.*)$`, 'gm'))].map((match) => match[1])
    expect(functions('root\\.d')).toEqual(['die', 'get_image_element_array'])
    expect(functions('cleanup\\.d')).toEqual(['die', 'get_image_element_array'])
    expect(functions('install\\.d')).toEqual([])
    expect(functions('finalise\\.d')).toEqual([])
  })

  test("a block device of the caller's is not taken for the image's", () => {
    expect(environmentOf('root.d')).not.toHaveProperty('IMAGE_BLOCK_DEVICE')
    expect(environmentOf('cleanup.d')).not.toHaveProperty('IMAGE_BLOCK_DEVICE')
  })

  test('$0 is the path in the hooks, there are no arguments, and nothing to read on standard input', () => {
    expect(output).toMatch(
      /^SELF install\.d \/tmp\/in_target\.d\/install\.d\/80-phase-environment arguments=0$/m,
    )
    expect(output).toMatch(
      new RegExp(
        `^SELF root\\.d ${work}/dib_build\\.[^/]+/hooks/root\\.d/80-phase-environment arguments=0$`,
        'm',
      ),
    )
    expect(output).toMatch(/^STDIN nothing$/m)
  })
})

describe('the hooks in the chroot', () => {
  test('are read-only, and hold what an outside phase put there', () => {
    expect(output).toMatch(/^HOOKS read-only$/m)
    expect(output).toMatch(/^HOOKS message from outside$/m)
  })

  test("stand beside the kernel's file systems, sys read-only", () => {
    const mounts = [...output.matchAll(/^MOUNT (\S+) (?:\S+ )?(r[ow])$/gm)].map(
      ([, point, mode]) => `${point} ${mode}`,
    )
    expect(mounts.sort()).toEqual(['/dev rw', '/dev/pts rw', '/proc rw', '/sys ro', '/tmp/in_target.d ro'])
  })
})

describe('which scripts run', () => {
  test('in numeric order, unnumbered first; without a shebang, behind a link, and from the install type', () => {
    const ran = [...output.matchAll(/^RAN (.*)$/gm)].map((match) => match[1])
    expect(ran).toEqual([
      'unnumbered',
      '9-nine',
      '10-ten',
      '20-without-shebang no shebang 0 20-without-shebang',
      'linked as 30-link',
      '60-from-source',
      '100-hundred',
    ])
  })

  test('those that do not run are named in a warning', () => {
    const warnings = [...output.matchAll(/^WARNING: (\S+) of element odd-scripts will not run: /gm)].map(
      (match) => match[1],
    )
    expect(warnings).toEqual([
      'install.d/31-dangling',
      'install.d/40-dotted.sh',
      'install.d/50-not-executable',
    ])
  })

  test('the table of times is sorted by name', () => {
    const table = output.slice(output.indexOf('Target: install.d'))
    const rows = [
      ...table.slice(0, table.indexOf('END PROFILING')).matchAll(/^dib-run-parts (\S+) +\d+\.\d{3}$/gm),
    ]
    expect(rows.map((match) => match[1])).toEqual(
      '10-ten 100-hundred 20-without-shebang 30-link 60-from-source 80-leaves-things 80-phase-environment 9-nine unnumbered'.split(
        ' ',
      ),
    )
  })
})

describe('what is left behind', () => {
  test('mounts that scripts leave in the tree work during the build and are not in the image', () => {
    expect(output).toMatch(/^of the host\nin memory$/m)
    expect(members).toContain('./srv/bind/')
    expect(members.filter((path) => /^\.\/srv\/.+\/./.test(path))).toEqual([])
  })

  test('/tmp is empty, whatever was mounted there, and lost+found is gone', () => {
    expect(members).toContain('./tmp/')
    expect(members.filter((path) => /^\.\/(tmp\/.|lost\+found)/.test(path))).toEqual([])
  })

  test('logs are empty but still there; *.log files of root are gone, other files stay', async () => {
    expect(await inTree('./var/log/app/app.log')).toBe('')
    expect(await inTree('./var/log/.hidden/trace')).toBe('')
    expect(members).not.toContain('./root/deep/install.log')
    expect(await inTree('./root/notes.txt')).toBe('kept\n')
  })

  test('files at the top whose names start with a dot are kept', async () => {
    expect(await inTree('./.top')).toBe('kept\n')
    const table = JSON.parse((await run(['sfdisk', '--json', `${work}/all.raw`])).stdout) as {
      partitiontable: { partitions: [{ start: number }] }
    }
    const offset = table.partitiontable.partitions[0].start * 512
    const listing = await run(['debugfs', '-R', 'ls -p /', `${work}/all.raw?offset=${offset}`], {
      check: false,
    })
    expect(listing.stdout).toContain('/.top/')
  })

  test('the image file is sparse', async () => {
    const { size, blocks } = await stat(`${work}/all.raw`)
    expect(blocks * 512).toBeLessThan(size)
  })

  test('nothing stays on the machine', async () => {
    expect(await leftovers(work)).toEqual([])
  })
})
