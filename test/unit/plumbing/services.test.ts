import { readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { canChroot, makeStage, plumbing, type Stage } from './stage.ts'

let stage: Stage
afterEach(() => stage?.remove())
const changes = (path: string) => join(stage.directory, 'inside/changes', path)

describe('the init system', () => {
  const check = (value: string) =>
    run(['bash', '-euc', `. ${join(plumbing, 'dib-init-system/environment.d/99-dib-init-system')}`], {
      env: { PATH: '/usr/bin:/bin', DIB_INIT_SYSTEM: value },
      check: false,
    })

  test('must be one the elements know', async () => {
    expect(await check('systemd')).toMatchObject({ exitCode: 0 })
    expect(await check('')).toMatchObject({
      exitCode: 1,
      stdout: 'DIB_INIT_SYSTEM is not set! Can not continue\n',
    })
    expect((await check('launchd')).stdout).toContain('Unrecognised init system: launchd!')
  })

  test.skipIf(!canChroot)('gets the units of all elements, and can be asked for by name', async () => {
    stage = makeStage(['dib-init-system'], {
      app: { 'init-scripts/systemd/app.service': '[Unit]\n', 'init-scripts/openrc/app': 'x' },
    })
    const result = await stage.inside([
      'pre-install.d/04-dib-init-system',
      'install.d/20-install-init-scripts',
      'post-install.d/10-enable-init-scripts',
    ])
    expect(result).toMatchObject({ exitCode: 0 })
    expect(stage.read('inside/changes/usr/lib/systemd/system/app.service')).toBe('[Unit]\n')
    expect((await run([changes('usr/local/bin/dib-init-system')])).stdout).toBe('systemd\n')
  })
})

describe.skipIf(!canChroot)('the SSH server', () => {
  const harden = async (config: string, env: Record<string, string> = {}) => {
    stage = makeStage(['openssh-server'])
    stage.write('inside/seed/etc/ssh/sshd_config', config)
    expect(await stage.inside(['post-install.d/99-harden-sshd-config'], { env })).toMatchObject({
      exitCode: 0,
    })
  }

  test('offers current ciphers only, in a file of its own where the main one includes it', async () => {
    await harden('Include /etc/ssh/sshd_config.d/*.conf\nPort 22\n')
    expect(stage.read('inside/changes/etc/ssh/sshd_config.d/10-dib-hardening.conf')).toMatch(
      /^Ciphers .*\nMACs .*etm@/,
    )
    expect(stage.read('inside/changes/etc/ssh/sshd_config')).toBe(
      'Include /etc/ssh/sshd_config.d/*.conf\nPort 22\n',
    )
  })

  test('or at the top of the main file, in place of what it said', async () => {
    await harden('Port 22\nCiphers 3des-cbc\n')
    const config = stage.read('inside/changes/etc/ssh/sshd_config')
    expect(config).toMatch(/^Ciphers chacha20.*\nMACs .*\nKexAlgorithms .*\n\nPort 22\n$/)
  })

  test('stays as the distribution has it when asked to', async () => {
    await harden('Port 22\n', { DIB_OPENSSH_SERVER_HARDENING: '0' })
    expect(stage.read('inside/changes/etc/ssh/sshd_config')).toBe('Port 22\n')
  })
})

describe('host keys', () => {
  test('of the build are removed, and nothing else', async () => {
    stage = makeStage(['runtime-ssh-host-keys'])
    for (const name of ['ssh_host_rsa_key', 'ssh_host_rsa_key.pub', 'sshd_config'])
      stage.write(`mnt/etc/ssh/${name}`, 'x')
    expect(await stage.outside('cleanup.d/90-remove-ssh-host-keys')).toMatchObject({ exitCode: 0 })
    expect((await run(['ls', join(stage.tree, 'etc/ssh')])).stdout).toBe('sshd_config\n')
  })
})

describe.skipIf(!canChroot)('cloud-init', () => {
  const sources = (value: string) => {
    stage = makeStage(['cloud-init-datasources'])
    stage.write('inside/seed/etc/cloud/cloud.cfg.d/x', '')
    return stage.inside(['install.d/05-set-cloud-init-sources'], {
      env: { DIB_CLOUD_INIT_DATASOURCES: value },
    })
  }

  test('looks only where it is told to', async () => {
    expect(await sources('ConfigDrive, Ec2')).toMatchObject({ exitCode: 0 })
    expect(stage.read('inside/changes/etc/cloud/cloud.cfg.d/91-dib-cloud-init-datasources.cfg')).toBe(
      'datasource_list: [ ConfigDrive, Ec2, None ]\n',
    )
    expect(stage.read('inside/changes/etc/cloud/cloud.cfg.d/92-ec2-datasource.cfg')).toContain(
      'strict_id: false',
    )
  })

  test('must be told', async () => {
    const result = await sources('')
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toContain('DIB_CLOUD_INIT_DATASOURCES must be set')
  })

  test('allows passwords, makes current keys, and its units are enabled under their old or new names', async () => {
    stage = makeStage(['cloud-init'])
    stage.write('inside/seed/etc/cloud/cloud.cfg', "ssh_pwauth:   0\nssh_genkeytypes: ['dsa']\nusers: []\n")
    for (const unit of ['cloud-config', 'cloud-init-main']) {
      stage.write(
        `inside/seed/usr/lib/systemd/system/${unit}.service`,
        '[Install]\nWantedBy=multi-user.target\n',
      )
    }
    const scripts = [
      '20-enable-cloud-init',
      '21-cloud-init-allow-password-auth',
      '22-cloud-init-ssh_genkeytypes',
    ]
    const result = await stage.inside(
      scripts.map((name) => `post-install.d/${name}`),
      {
        env: { DIB_CLOUD_INIT_ALLOW_SSH_PWAUTH: '1' },
      },
    )
    expect(result).toMatchObject({ exitCode: 0 })
    expect(stage.read('inside/changes/etc/cloud/cloud.cfg')).toBe(
      "ssh_pwauth: true\nusers: []\nssh_genkeytypes: ['rsa', 'ecdsa', 'ed25519']\n",
    )
    const wants = 'etc/systemd/system/multi-user.target.wants'
    expect(readlinkSync(changes(`${wants}/cloud-init-main.service`))).toContain('cloud-init-main.service')
    expect(readlinkSync(changes(`${wants}/cloud-config.service`))).toContain('cloud-config.service')
  })

  test('finds its data in the image itself when there is no cloud', async () => {
    stage = makeStage(['cloud-init-nocloud'])
    await stage.inside(['install.d/05-inject-local-source-data'])
    expect(stage.read('inside/changes/var/lib/cloud/seed/nocloud/user-data')).toBe('')
  })

  test('manages the hosts file when the image wants it to', async () => {
    stage = makeStage(['base'])
    await stage.inside(['install.d/10-cloud-init'], { env: { DIB_CLOUD_INIT_ETC_HOSTS: 'localhost' } })
    expect(stage.read('inside/changes/etc/cloud/cloud.cfg.d/10_etc_hosts.cfg')).toBe(
      'manage_etc_hosts: localhost\n',
    )
  })
})

describe.skipIf(!canChroot)('the network', () => {
  test('of every interface comes from DHCP, with the wanted patience, and no interface keeps an old configuration', async () => {
    stage = makeStage(['dhcp-all-interfaces'])
    stage.write('inside/seed/etc/network/interfaces', 'auto eth0\n')
    stage.write('inside/seed/etc/network/interfaces.d/eth0', 'auto eth0\n')
    const scripts = ['install.d/50-dhcp-all-interfaces', 'install.d/60-remove-cloud-image-interfaces']
    expect(await stage.inside(scripts, { env: { DIB_DHCP_TIMEOUT: '7' } })).toMatchObject({ exitCode: 0 })
    expect(stage.read('inside/changes/etc/network/interfaces')).toBe(
      'auto lo\niface lo inet loopback\n\nsource /etc/network/interfaces.d/*\n\n',
    )
    expect(stage.has('inside/changes/etc/network/interfaces.d/eth0')).toBe(false)
    expect(stage.read('inside/changes/usr/lib/systemd/system/dhcp-interface@.service')).toContain(
      'TimeoutStartSec=14s',
    )
    expect(stage.read('inside/changes/usr/local/sbin/dhcp-all-interfaces.sh')).toContain('timeout=7\n')
  })

  test('of a bootstrapped system is DHCP on the named interfaces', async () => {
    stage = makeStage(['debootstrap'])
    stage.write('inside/seed/etc/network/interfaces', '')
    const result = await stage.inside(['install.d/10-debian-networking'], {
      env: { DIB_NETWORK_INTERFACE_NAMES: 'ens3' },
    })
    expect(result).toMatchObject({ exitCode: 0 })
    expect(stage.read('inside/changes/etc/network/interfaces.d/ens3')).toBe(
      'auto ens3\niface ens3 inet dhcp\n',
    )
    expect(stage.read('inside/changes/etc/network/interfaces')).toBe('source /etc/network/interfaces.d/*\n')
  })
})

describe.skipIf(!canChroot)('a user for looking into the image', () => {
  test('can log in, with the caller’s key, and become root', async () => {
    stage = makeStage(['devuser'])
    stage.write('home/.ssh/id_ed25519.pub', 'ssh-ed25519 KEY me\n')
    const env = {
      DIB_DEV_USER_USERNAME: 'look.er',
      DIB_DEV_USER_GROUPS: 'users',
      DIB_DEV_USER_SHELL: '/bin/bash',
      DIB_DEV_USER_PWDLESS_SUDO: 'yes',
      DIB_DEV_USER_AUTHORIZED_KEYS: '',
      DIB_DEV_USER_PASSWORD: 's3cret',
    }
    expect(await stage.outside('extra-data.d/50-devuser', env)).toMatchObject({ exitCode: 0 })
    stage.write('hooks/install.d/60-who', '#!/bin/bash\nid -nG look.er; getent passwd look.er\n')
    const result = await stage.inside(['install.d/50-devuser', 'install.d/60-who'], {
      env: { ...env, DIB_DEBUG_TRACE: '1' },
      before: 'rm -rf /home/look.er',
    })
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stdout).toMatch(/look\.er users\nlook\.er:.*:\/bin\/bash\n$/)
    expect(result.stderr).not.toContain('s3cret')
    expect(stage.read('inside/changes/etc/sudoers.d/look_er')).toBe('look.er ALL=(ALL) NOPASSWD:ALL\n')
    expect(stage.read('inside/changes/home/look.er/.ssh/authorized_keys')).toBe('ssh-ed25519 KEY me\n')
    expect(statSync(changes('home/look.er/.ssh/authorized_keys')).mode & 0o777).toBe(0o600)
    expect(statSync(changes('home/look.er')).uid).toBeGreaterThan(0)
  })
})

describe.skipIf(!canChroot)('what is particular to this machine', () => {
  test('goes into the image: keys and proxies', async () => {
    stage = makeStage(['local-config'])
    stage.write('home/.ssh/authorized_keys', 'ssh-rsa KEY me\n')
    await stage.outside('extra-data.d/62-ssh-key')
    const result = await stage.inside(['pre-install.d/02-proxy-settings', 'install.d/62-ssh-key'], {
      env: { DIB_LOCAL_CONFIG_USERNAME: 'root', http_proxy: 'http://proxy:1', no_proxy: 'local' },
      before: 'rm -rf /root/.ssh',
    })
    expect(result).toMatchObject({ exitCode: 0 })
    expect(stage.read('inside/changes/root/.ssh/authorized_keys')).toBe('ssh-rsa KEY me\n')
    expect(stage.read('inside/changes/etc/apt/apt.conf.d/02-use-http-proxy')).toBe(
      'Acquire::http::Proxy "http://proxy:1";\n',
    )
    expect(stage.read('inside/changes/etc/apt/apt.conf.d/02-no-proxy')).toContain('Proxy::local "DIRECT"')
  })
})

describe.skipIf(!canChroot)('dib-python', () => {
  const run1 = (script: string, before: string) => {
    stage = makeStage(['dib-python'], { app: { 'install.d/50-script': script } })
    return stage.inside(['pre-install.d/01-dib-python'], {
      before,
      env: { DIB_PYTHON: 'python3', DIB_PYTHON_VERSION: '3' },
    })
  }

  test('is the Python of the distribution', async () => {
    await run1('#!/bin/sh\n', 'ln -sf /bin/true /usr/local/bin/python3; rm -f /usr/libexec/platform-python')
    expect(readlinkSync(changes('usr/local/bin/dib-python'))).toBe('/usr/local/bin/python3')
  })

  test('is not made, and Python not installed, when nobody asks for it', async () => {
    const result = await run1(
      '#!/bin/sh\n',
      'rm -f /usr/bin/python3 /usr/local/bin/python3 /usr/libexec/platform-python',
    )
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stdout).toContain('dib-python is not made')
  })

  test('names the script that needs a Python nobody can install', async () => {
    const result = await run1(
      '#!/usr/bin/env dib-python\n',
      'rm -f /usr/bin/python3 /usr/local/bin/python3; ln -sf /bin/true /usr/local/bin/apt-get',
    )
    expect(result).toMatchObject({ exitCode: 1 })
    expect(result.stdout).toContain('(needed by 50-script)')
  })

  test.each([
    ['debian', 'bookworm', '3'],
    ['debian', 'stretch', '2'],
    ['ubuntu', 'noble', '3'],
  ])('has a version the release knows: %s %s', async (distro, release, version) => {
    stage = makeStage([])
    const file = join(plumbing, 'dib-python/environment.d/50-dib-python-version')
    const env = { PATH: '/usr/bin:/bin', DISTRO_NAME: distro, DIB_RELEASE: release }
    expect((await run(['bash', '-euc', `. ${file}; echo $DIB_PYTHON`], { env })).stdout).toBe(
      `python${version}\n`,
    )
  })
})
