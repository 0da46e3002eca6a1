import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BootCheckOptions, bootCheck } from '../../../builder/bootcheck/boot-check.ts'
import { readyLine } from '../../../builder/bootcheck/ready-line.ts'
import { sha256 } from '../../../lib/hash.ts'
import { printingDisk } from './boot-sector.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'boot-check-test-'))
})
afterAll(() => rm(directory, { recursive: true }))

let disks = 0
async function disk(...args: Parameters<typeof printingDisk>): Promise<string> {
  const path = join(directory, `disk-${disks++}.raw`)
  await writeFile(path, printingDisk(...args))
  return path
}

const check = (image: string, more: Partial<BootCheckOptions> = {}) =>
  bootCheck({ image, firmware: 'bios', timeoutMs: 15_000, accel: 'tcg', memoryMiB: 64, ...more })

describe('a guest that comes up', () => {
  test('passes with the ready line it printed, its escape sequences removed', async () => {
    const image = await disk(
      `hello\r\n\x1b[0;32m[    4.2] ${readyLine('mysql', '9.1.0-1 (Debian)')}\x1b[0m\r\n`,
    )
    const lines: string[] = []
    const result = await check(image, { onLine: (line) => lines.push(line) })
    expect(result).toEqual({
      seconds: expect.any(Number),
      line: '[    4.2] coffer: mysql ready: 9.1.0-1 (Debian)',
      accel: 'tcg',
    })
    expect(lines).toContain('hello')
  })

  test('is left unchanged, its console is kept when asked for, and nothing else stays', async () => {
    const image = await disk(`${readyLine('redis', '7')}\n`)
    const before = sha256(await readFile(image))
    const temporary = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('coffer-boot-'))
    const others = await temporary()
    await check(image, { serialLog: join(directory, 'console, raw.log'), machine: 'virtio' })
    expect(sha256(await readFile(image))).toBe(before)
    expect(await readFile(join(directory, 'console, raw.log'), 'utf8')).toContain('coffer: redis ready: 7')
    expect((await temporary()).filter((name) => !others.includes(name))).toEqual([])
  })

  test('may be recognised by a line of the caller', async () => {
    const image = await disk('login: \n')
    await expect(check(image, { expect: /login:/g })).resolves.toMatchObject({ line: 'login:' })
  })
})

describe('a guest that fails is reported with its reason and the end of its console', () => {
  test.each([
    ['[    1.000000] Kernel panic - not syncing: VFS: Unable to mount root fs', 'the kernel panicked'],
    [
      'You are in emergency mode. After logging in, type "journalctl -xb"',
      'systemd stopped in emergency mode',
    ],
    ['ALERT!  LABEL=root does not exist.  Dropping to a shell!', 'the initramfs found no root file system'],
    ['Entering rescue mode...', 'GRUB could not find its files'],
  ])('%s', async (text, reason) => {
    const image = await disk(`line before\n\x1b[1m${text}\x1b[0m\nline after`)
    const error = await check(image).catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      code: 'BOOT_CHECK_FAILED',
      message: expect.stringContaining(
        `${image} did not come up with BIOS: ${reason}. The end of its console:\n`,
      ),
      hint: expect.stringMatching(/^Watch it boot with: qemu-system-x86_64 /),
    })
    expect((error as Error).message.endsWith(`\n    line before\n    ${text}\n    line after`)).toBe(true)
  })

  test('only the last 20 lines are shown', async () => {
    const image = await disk(
      `${Array.from({ length: 30 }, (_, i) => `l${i}`).join('\n')}\nKernel panic - not syncing: x\n`,
    )
    const error = (await check(image).catch((caught: unknown) => caught)) as Error
    expect(error.message.split('\n').slice(1)).toHaveLength(20)
    expect(error.message).toContain('    l29\n')
    expect(error.message).not.toContain('l10\n')
  })

  test('silence until the time is up', async () => {
    await expect(check(await disk('booting'), { timeoutMs: 2000 })).rejects.toMatchObject({
      code: 'BOOT_CHECK_FAILED',
      message: expect.stringMatching(/nothing awaited was printed within 2 s\. [\s\S]*\n {4}booting$/),
    })
  })

  test('a disk that boots nothing, as the firmware says', async () => {
    const image = join(directory, 'zeros.raw')
    await writeFile(image, new Uint8Array(1 << 20))
    await expect(check(image)).rejects.toMatchObject({
      message: expect.stringMatching(
        /the firmware found nothing to boot on the disk\. [\s\S]*not a bootable disk/,
      ),
    })
  })

  test('a reset', async () => {
    await expect(check(await disk('bye\n', 'reset'))).rejects.toMatchObject({
      message: expect.stringMatching(/the guest powered off or reset itself\. [\s\S]*\n {4}bye$/),
    })
  })

  test('an image that QEMU cannot open', async () => {
    await expect(check(join(directory, 'missing.raw'))).rejects.toMatchObject({
      code: 'BOOT_CHECK_FAILED',
      message: expect.stringMatching(
        /QEMU ended with status 1 \(.*No such file or directory\)\. Its serial console stayed empty/,
      ),
    })
  })
})

test('an abort ends QEMU at once', async () => {
  const started = performance.now()
  const image = await disk('booting')
  await expect(check(image, { signal: AbortSignal.timeout(1000) })).rejects.toMatchObject({
    code: 'BOOT_CHECK_INTERRUPTED',
    exitCode: 130,
  })
  expect(performance.now() - started).toBeLessThan(6000)
  expect(await qemuProcesses(image)).toEqual([])
})

describe('when KVM cannot be trusted', () => {
  test('whatever KVM does on this machine, the boot succeeds', async () => {
    const cacheFile = join(directory, 'verdict.json')
    const result = await check(await disk(`${readyLine('mysql', '9')}\n`), {
      accel: 'kvm',
      kernelMs: 5000,
      cacheFile,
    })
    // Under which accelerator depends on the machine: a KVM that fails the proof may still run these few instructions.
    expect(result.line).toContain(readyLine('mysql', '9').trim())
  })

  // A fake QEMU stands in for a KVM that hangs: machines with that fault are not at hand everywhere.
  test('a kernel silent under KVM is booted again with TCG, and that is remembered', async () => {
    const program = join(directory, 'qemu-with-hanging-kvm')
    await writeFile(
      program,
      '#!/bin/sh\ncase "$*" in *"-accel kvm"*) exec sleep 60;; esac\nexec qemu-system-x86_64 "$@"\n',
    )
    await chmod(program, 0o755)
    const cacheFile = join(directory, 'hanging.json')
    const image = await disk(`${readyLine('mysql', '9')}\n`)
    const result = await check(image, { accel: 'kvm', kernelMs: 300, cacheFile, program })
    expect(result.accel).toBe('tcg')
    expect(JSON.parse(await readFile(cacheFile, 'utf8'))).toMatchObject({ accel: 'tcg' })
  })

  test('an image that fails for a reason of its own does not bring KVM into disrepute', async () => {
    const program = join(directory, 'qemu-that-ignores-kvm')
    await writeFile(
      program,
      '#!/bin/bash\nargs=()\nfor word; do case "$word" in kvm) word=tcg;; host) word=max;; esac; args+=("$word"); done\nexec qemu-system-x86_64 "${args[@]}"\n',
    )
    await chmod(program, 0o755)
    const cacheFile = join(directory, 'own-fault.json')
    const image = await disk('Entering rescue mode...\n')
    await expect(check(image, { accel: 'kvm', cacheFile, program })).rejects.toMatchObject({
      code: 'BOOT_CHECK_FAILED',
    })
    await expect(readFile(cacheFile)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

/** Process ids whose command line names a file. */
async function qemuProcesses(file: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(file)) found.push(pid)
  }
  return found
}
