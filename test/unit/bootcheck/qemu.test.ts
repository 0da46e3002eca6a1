import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { cleanLine } from '../../../builder/bootcheck/console.ts'
import { findUefiFirmware } from '../../../builder/bootcheck/firmware.ts'
import { diskFormatOf, qemuCommand } from '../../../builder/bootcheck/qemu.ts'
import { READY_LINE, readyLine } from '../../../builder/bootcheck/ready-line.ts'
import { quoteCommand } from '../../../lib/quote.ts'

test('a plain BIOS machine under TCG', () => {
  expect(quoteCommand(qemuCommand({ image: '/images/x.qcow2', firmware: 'bios', accel: 'tcg' }))).toBe(
    'qemu-system-x86_64 -machine pc,graphics=off -boot c -accel tcg,thread=multi -cpu max -smp 2 -m 1024' +
      ' -drive file=/images/x.qcow2,format=qcow2,snapshot=on,if=ide,index=0 -nic user,model=e1000,restrict=on' +
      ' -chardev stdio,id=console,signal=off -serial chardev:console' +
      ' -display none -monitor none -parallel none -no-reboot',
  )
})

test('a virtio UEFI machine under KVM with a forwarded port and a log; commas in names are doubled', () => {
  const command = qemuCommand({
    image: '/images/a,b.raw',
    firmware: { code: '/fw/code.fd', vars: '/tmp/vars.fd' },
    accel: 'kvm',
    machine: 'virtio',
    memoryMiB: 512,
    cpus: 1,
    serialLog: '/tmp/a,b.log',
    forwards: [{ hostPort: 13306, guestPort: 3306 }],
    program: 'qemu-kvm',
  })
  expect(quoteCommand(command)).toBe(
    'qemu-kvm -machine pc,graphics=off -boot c -accel kvm -cpu host -smp 1 -m 512' +
      ' -drive if=pflash,unit=0,format=raw,readonly=on,file=/fw/code.fd' +
      ' -drive if=pflash,unit=1,format=raw,file=/tmp/vars.fd' +
      ' -drive file=/images/a,,b.raw,format=raw,snapshot=on,if=virtio,index=0' +
      ' -nic user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:13306-:3306 -device virtio-rng-pci' +
      ' -chardev stdio,id=console,signal=off,logfile=/tmp/a,,b.log -serial chardev:console' +
      ' -display none -monitor none -parallel none -no-reboot',
  )
})

test('the format of an image comes from its name, never from its contents', () => {
  expect(['a.qcow2', 'a.raw', 'b/c.img', 'a.vhd', 'x.vpc', 'x.y.vmdk'].map(diskFormatOf)).toEqual(
    'qcow2 raw raw vpc vpc vmdk'.split(' '),
  )
  for (const image of ['/a.qcow2/disk', 'disk', 'disk.iso']) {
    expect(() => diskFormatOf(image)).toThrow(expect.objectContaining({ code: 'IMAGE_FORMAT_UNKNOWN' }))
  }
})

test('firmware is found in any usual place, else its package is named', async () => {
  const root = await mkdtemp(join(tmpdir(), 'firmware-test-'))
  await expect(findUefiFirmware(root)).rejects.toMatchObject({
    code: 'UEFI_FIRMWARE_MISSING',
    hint: 'On Debian: apt-get install ovmf',
  })
  const [code, vars] = ['CODE', 'VARS'].map((part) => join(root, `usr/share/edk2/ovmf/OVMF_${part}.fd`)) as [
    string,
    string,
  ]
  await mkdir(dirname(code), { recursive: true })
  await writeFile(code, '')
  await expect(findUefiFirmware(root)).rejects.toMatchObject({ code: 'UEFI_FIRMWARE_MISSING' })
  await writeFile(vars, '')
  expect(await findUefiFirmware(root)).toEqual({ code, vars })
  await rm(root, { recursive: true })
})

test('console lines lose colours, cursor moves, titles and control characters, nothing else', () => {
  expect(cleanLine('\x1b[?7l\x1b[2J[  \x1b[0;32mOK\x1b[0m  ] Grüße\r')).toBe('[  OK  ] Grüße')
  expect(cleanLine('\x1b]0;title\x07a\x1b]8;;u\x1b\\b\x1b(Bc\x00\x08d\te')).toBe('abcd\te')
})

test('the ready line is recognised behind a kernel or systemd prefix, not inside another word', () => {
  const line = readyLine('mysql', '9.1.0-1ubuntu1 (Ubuntu)')
  expect(READY_LINE.exec(`[   12.5] sh[77]: ${line}`)?.groups).toEqual({
    datastore: 'mysql',
    version: '9.1.0-1ubuntu1 (Ubuntu)',
  })
  expect(READY_LINE.exec(line)?.groups?.datastore).toBe('mysql')
  expect(READY_LINE.exec(`not${line}`)).toBe(null)
  expect(READY_LINE.exec('coffer: mysql ready: ')).toBe(null)
})
