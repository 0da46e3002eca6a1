import { access, readdir, readFile, stat } from 'node:fs/promises'
import { glob } from 'glob'
import { expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'

const elements = new URL('../../../elements/', import.meta.url).pathname
const plumbing = new URL('../../../builder/elements/', import.meta.url).pathname

const mine = [
  'apt-bootstrap',
  'bootloader',
  'config-drive',
  'database-guest',
  'debian',
  'debian-minimal',
  'guest-agent',
  'guest-boot',
  'guest-growroot',
  'guest-network',
  'guest-ssh',
  'kernel',
  'slim',
  'tiny-initramfs',
  'ubuntu',
  'ubuntu-common',
  'ubuntu-minimal',
  'vm',
]

const scripts = (
  await glob(
    mine.map((name) => `${name}/**`),
    { cwd: elements, nodir: true },
  )
).sort()

test('the elements are there', async () => {
  expect(await readdir(elements)).toEqual(expect.arrayContaining(mine))
  expect(scripts.length).toBeGreaterThan(40)
})

test.each(scripts)('%s is as executable as its first line says, and its shell can read it', async (file) => {
  const path = `${elements}${file}`
  const text = await readFile(path, 'utf8')
  const [interpreter] = text.split('\n')
  const executable = ((await stat(path)).mode & 0o111) !== 0
  expect(executable).toBe(interpreter?.startsWith('#!') ?? false)
  if (interpreter === '#!/bin/bash') await run(['bash', '-n', path])
  if (interpreter === '#!/bin/sh' || interpreter === '#!/bin/busybox sh') await run(['dash', '-n', path])
})

test.each(mine)('what %s depends on exists', async (name) => {
  const text = await readFile(`${elements}${name}/element-deps`, 'utf8').catch(() => '')
  for (const dependency of text.split('\n').filter((line) => line !== '' && line !== 'block-device')) {
    await access(`${elements}${dependency}`).catch(() => access(`${plumbing}${dependency}`))
  }
})

test('no mirror is named anywhere', async () => {
  for (const file of scripts) {
    expect(await readFile(`${elements}${file}`, 'utf8'), file).not.toMatch(/https?:\/\//)
  }
})

test('every unit says what it starts and what wants it', async () => {
  const units = scripts.filter((file) => /\/systemd\/system\/[^/]+\.service$/.test(file))
  expect(units.length).toBeGreaterThan(6)
  for (const file of units) {
    const text = await readFile(`${elements}${file}`, 'utf8')
    expect(text, file).toMatch(/^\[Unit\]$/m)
    expect(text, file).toMatch(/^ExecStart=\S/m)
    expect(text, file).toMatch(/^\[Install\]\nWantedBy=\S/m)
  }
})
