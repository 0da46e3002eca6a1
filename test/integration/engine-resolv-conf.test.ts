import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { run } from '../../lib/exec.ts'
import { create, leftovers, workDirectory } from './harness.ts'

const work = await workDirectory()

/** Builds with a way of dealing with etc/resolv.conf; what scripts saw, and what the image has. */
async function build(way: string, extra: Record<string, string> = {}) {
  const args = ['-n', '-o', way, '-t', 'tar', 'tiny-os', 'resolv-conf']
  const result = await create(work, args, { RESOLV_CONF: way, ...extra })
  expect(result.exitCode, result.output).toBe(0)
  const listing = (await run(['tar', '-tvf', `${work}/${way}.tar`])).stdout
  const lines = listing.split('\n').filter((line) => line.includes('resolv.conf'))
  const text = await run(['tar', '-xOf', `${work}/${way}.tar`, './etc/resolv.conf'], { check: false })
  return {
    output: result.output,
    files: lines.map((line) => line.replace(/^.* \.\//, '')),
    text: text.stdout,
  }
}

test("during the build, scripts have the host's name servers in a file that everybody may write", async () => {
  const { output, text, files } = await build('file')
  const host = (await readFile('/etc/resolv.conf', 'utf8')).trimEnd().split('\n')
  const during = [...output.matchAll(/^DURING (.*)$/gm)].map((match) => match[1])
  expect(during).toEqual(['-rwxrwxrwx regular file', ...host])
  expect([files, text]).toEqual([['etc/resolv.conf'], 'nameserver 192.0.2.1\n'])
})

test('an image without the file has none afterwards', async () => {
  expect((await build('none')).files).toEqual([])
})

test('a dangling link of the image comes back', async () => {
  expect((await build('dangling')).files).toEqual(['etc/resolv.conf -> ../run/resolv.conf'])
})

test('an element that edits resolv.conf.ORIG decides what the image has', async () => {
  const { files, text } = await build('edit')
  expect([files, text]).toEqual([['etc/resolv.conf'], 'nameserver 192.0.2.2\n'])
})

test('a link that an element puts in its place is kept', async () => {
  expect((await build('link')).files).toEqual(['etc/resolv.conf -> ../run/stub.conf'])
})

test.each(['0', '1'])(
  'a file that an element makes immutable is kept, and does not stop the clean-up (DIB_NO_TMPFS=%s)',
  async (disk) => {
    const { files, text } = await build('immutable', { DIB_NO_TMPFS: disk })
    expect([files, text]).toEqual([['etc/resolv.conf'], 'nameserver 192.0.2.3\n'])
    expect(await leftovers(work)).toEqual([])
  },
)
