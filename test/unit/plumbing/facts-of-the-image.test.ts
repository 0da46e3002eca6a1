import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { canChroot, makeStage, type Stage } from './stage.ts'

let stage: Stage
afterEach(() => stage.remove())

describe('the manifests', () => {
  const copy = async (env: Record<string, string> = {}) => {
    stage = makeStage(['manifests', 'element-manifest'], { app: {} })
    expect(await stage.outside('extra-data.d/20-manifest-dir')).toMatchObject({ exitCode: 0 })
    await stage.outside('extra-data.d/75-inject-element-manifest')
    return stage.outside('cleanup.d/01-copy-manifests-dir', {
      DIB_MANIFEST_SAVE_DIR: `${stage.directory}/out/image.d/`,
      DIB_ARGS: '-o image debian vm',
      ...env,
    })
  }
  const inImage = 'mnt/etc/dib-manifests'
  const outside = 'out/image.d/dib-manifests'

  test('say how the image was made and of what, in the image for root only and beside it', async () => {
    expect(await copy({ DIB_ENV: 'export DIB_RELEASE="bookworm"' })).toMatchObject({ exitCode: 0 })
    expect(stage.read(`${inImage}/dib_arguments`)).toBe('-o image debian vm\n')
    expect(stage.read(`${outside}/dib_environment`)).toBe('export DIB_RELEASE="bookworm"\n')
    expect(stage.read(`${outside}/dib-element-manifest`)).toBe('app\nmanifests\nelement-manifest\n')
    expect(statSync(join(stage.directory, inImage, 'dib_environment')).mode & 0o777).toBe(0o600)
    expect(statSync(join(stage.directory, outside, 'dib_environment')).mode & 0o777).toBe(0o644)
  })

  test('hold no password', async () => {
    await copy({
      DIB_ENV: 'declare -x DIB_DEV_USER_PASSWORD="s3cret"\ndeclare -x DIB_RELEASE="x"\nDIB_API_TOKEN=abc',
    })
    expect(stage.read(`${outside}/dib_environment`)).toBe(
      'declare -x DIB_DEV_USER_PASSWORD="(not recorded)"\ndeclare -x DIB_RELEASE="x"\nDIB_API_TOKEN="(not recorded)"\n',
    )
  })

  test.skipIf(process.getuid?.() !== 0)('beside the image belong to the person who called sudo', async () => {
    await copy({ SUDO_UID: '1234', SUDO_GID: '1235' })
    const { uid, gid } = statSync(join(stage.directory, outside, 'dib_arguments'))
    expect([uid, gid]).toEqual([1234, 1235])
    expect(statSync(join(stage.directory, inImage, 'dib_arguments')).uid).toBe(0)
  })

  test('that nobody made are an error', async () => {
    stage = makeStage(['manifests'])
    const result = await stage.outside('cleanup.d/01-copy-manifests-dir', { DIB_MANIFEST_SAVE_DIR: 'x' })
    expect(result).toMatchObject({ exitCode: 1 })
    expect(result.stdout).toContain('does not exist')
  })
})

describe('kernel modules', () => {
  test('settings of all elements are copied', async () => {
    stage = makeStage(['modprobe'], {
      app: { 'modprobe.d/app.conf': 'options x y\n', 'modprobe.d/readme': 'no' },
    })
    expect(await stage.outside('extra-data.d/50-modprobe-blacklist')).toMatchObject({ exitCode: 0 })
    expect(stage.read('mnt/etc/modprobe.d/app.conf')).toBe('options x y\n')
    expect(stage.has('mnt/etc/modprobe.d/readme')).toBe(false)
  })

  test.skipIf(!canChroot)('may be kept from loading', async () => {
    stage = makeStage(['modprobe'])
    stage.write('inside/seed/etc/modprobe.d/x', '')
    await stage.inside(['install.d/80-modprobe-blacklist'], {
      env: { DIB_MODPROBE_BLACKLIST: 'floppy pcspkr' },
    })
    expect(stage.read('inside/changes/etc/modprobe.d/blacklist.conf')).toBe(
      'blacklist floppy\nblacklist pcspkr\n',
    )
  })
})

describe.skipIf(!canChroot)('the identity of the machine', () => {
  const clear = async (env: Record<string, string> = {}) => {
    stage = makeStage(['sysprep'])
    stage.write('inside/seed/etc/machine-id', '0123456789abcdef0123456789abcdef\n')
    stage.write('inside/seed/var/lib/dbus/machine-id', '0123456789abcdef0123456789abcdef\n')
    return stage.inside(['finalise.d/99-clear-machine-id'], {
      env,
      before: 'rm /var/lib/dbus/machine-id; ln -s /etc/machine-id /var/lib/dbus/machine-id',
    })
  }

  test('is made anew at the first boot, even where one file is a link to the other', async () => {
    expect(await clear()).toMatchObject({ exitCode: 0 })
    expect(stage.read('inside/changes/etc/machine-id')).toBe('uninitialized\n')
  })

  test('can be left empty, so that the first boot is not treated as one', async () => {
    await clear({ DIB_MACHINE_ID: 'empty' })
    expect(stage.read('inside/changes/etc/machine-id')).toBe('')
    stage.remove()
    expect(await clear({ DIB_MACHINE_ID: 'x' })).toMatchObject({ exitCode: 1 })
  })
})

describe.skipIf(!canChroot)('kernel settings', () => {
  const call = (text: string) => {
    stage = makeStage(['sysctl', 'install-bin'], { app: { 'install.d/50-set': `#!/bin/bash\n${text}\n` } })
    return stage.inside(['pre-install.d/01-install-bin', 'install.d/50-set'])
  }

  test('are written for the next boot and do not touch this machine', async () => {
    const before = await call(
      'cat /proc/sys/vm/swappiness; sysctl-set-value vm.swappiness 77; cat /proc/sys/vm/swappiness',
    )
    const [first, second] = before.stdout.trim().split('\n')
    expect(second).toBe(first)
    expect(stage.read('inside/changes/etc/sysctl.d/vm.swappiness.conf')).toContain('\nvm.swappiness = 77\n')
  })

  test.each([
    ['sysctl-set-value no.such.key 1', 'Invalid sysctl key: no.such.key'],
    [
      'sysctl-write-value a.b 1; sysctl-write-value a.b 1; sysctl-write-value a.b 2',
      'Conflicting sysctl.conf setting for a.b == 2',
    ],
    ['sysctl-set-value a', 'NAME and VALUE are required.'],
  ])('are refused when they make no sense: %s', async (text, message) => {
    const result = await call(text)
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain(message)
  })
})
