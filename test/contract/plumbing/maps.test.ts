import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { flattenPackageMap, packageMapTable } from '../../../builder/plumbing/pkg-map.ts'
import { mergeServiceMaps } from '../../../builder/plumbing/svc-map.ts'
import { run } from '../../../lib/exec.ts'
import { dibInstalled, dibProgram } from './real-dib.ts'

const bin = fileURLToPath(new URL('../../../builder/elements/pkg-map/bin', import.meta.url))
let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'maps-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const names = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'd"e', 'f'),
  fc.constantFrom('x', 'x y', '', 'z', null, 'lib\\w'),
  {
    maxKeys: 4,
    noNullPrototype: true,
  },
)
const by = (...keys: string[]) =>
  fc.dictionary(fc.constantFrom(...keys), names, { maxKeys: 2, noNullPrototype: true })
const map = fc.record(
  {
    default: names,
    family: by('debian', 'redhat', 'suse', 'gentoo'),
    distro: by('debian', 'ubuntu', 'centos', 'other'),
    release: fc.dictionary(fc.constantFrom('debian', 'ubuntu', 'centos'), by('bookworm', 'noble', '8'), {
      maxKeys: 2,
      noNullPrototype: true,
    }),
  },
  { requiredKeys: [] },
)
// almalinux, openeuler and rocky are of the redhat family in newer DIB only (contract §3.7), so they are not asked for.
const question = fc.record({
  map,
  distro: fc.constantFrom('debian', 'ubuntu', 'centos', 'fedora', 'opensuse', 'gentoo', 'other'),
  release: fc.option(fc.constantFrom('bookworm', 'noble', '8-stream', '8'), { nil: undefined }),
  missingOk: fc.boolean(),
  prefix: fc.constantFrom('', '-'),
  asked: fc.array(fc.constantFrom('a', 'b', 'c', 'd"e', 'f', 'g'), { minLength: 1, maxLength: 5 }),
})

describe.skipIf(!dibInstalled)('package maps, compared with disk-image-builder', () => {
  test('the same names and the same status, from the table and from the JSON file', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(question, async ({ map, distro, release, missingOk, prefix, asked }) => {
        const file = join(directory, `map-${runs++}`)
        const text = JSON.stringify(map, undefined, runs % 3)
        writeFileSync(file, text)
        const args = [
          `--pkg-map=${file}`,
          `--distro=${distro}`,
          ...(release === undefined ? [] : [`--release=${release}`]),
          ...(missingOk ? ['--missing-ok'] : []),
          `--prefix=${prefix}`,
          ...asked,
        ]
        const env = { PATH: `${bin}:${process.env.PATH}` }
        const answer = async (argv: [string, ...string[]]) => {
          const { stdout, exitCode } = await run(argv, { env, check: false })
          return { stdout, exitCode }
        }
        const theirs = await answer([dibProgram('pkg-map', 'bin/pkg-map'), ...args])
        expect(await answer([join(bin, 'pkg-map'), ...args])).toEqual(theirs)
        writeFileSync(`${file}.tsv`, packageMapTable(flattenPackageMap(text, file)))
        expect(await answer([join(bin, 'pkg-map'), ...args])).toEqual(theirs)
      }),
      { numRuns: 20, seed: 37 },
    )
  })

  test.each([
    ['--element=no-such-element', '--distro=debian', 'a'],
    ['--element=no-such-element', '--distro=debian', '--missing-ok', '--prefix=+', 'a', 'b'],
    ['--element=x', '--pkg-map=y', '--distro=debian', 'a'],
    ['--distro=debian', 'a'],
    ['--element=x', 'a'],
  ])('the same status for: %s %s %s', async (...args) => {
    const env = { PATH: `${bin}:${process.env.PATH}` }
    const theirs = await run([dibProgram('pkg-map', 'bin/pkg-map'), ...args], { env, check: false })
    const ours = await run([join(bin, 'pkg-map'), ...args], { env, check: false })
    expect([ours.exitCode, ours.stdout]).toEqual([theirs.exitCode, theirs.stdout])
  })
})

const services = fc.dictionary(
  fc.constantFrom('database', 'cache', 'web'),
  fc.dictionary(
    fc.constantFrom('default', 'debian', 'redhat', 'ubuntu', 'opensuse'),
    fc.constantFrom('mysqld', 'mysql', 'on', '1'),
    {
      maxKeys: 3,
      noNullPrototype: true,
    },
  ),
  { maxKeys: 3, noNullPrototype: true },
)

describe.skipIf(!dibInstalled)('service maps, compared with disk-image-builder', () => {
  test('the same names, and the same services are refused', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(
        services,
        services,
        fc.constantFrom('debian', 'ubuntu', 'centos', 'other'),
        async (one, two, distro) => {
          const base = join(directory, `services-${runs++}`)
          mkdirSync(join(base, 'tmp'), { recursive: true })
          const maps = Object.entries({ one, two }).map(([element, content]) => {
            mkdirSync(join(base, element))
            writeFileSync(join(base, element, 'svc-map'), JSON.stringify(content))
            return { element, content }
          })
          const env = {
            PATH: process.env.PATH,
            DISTRO_NAME: distro,
            TMP_MOUNT_PATH: base,
            IMAGE_ELEMENT_YAML: JSON.stringify({ one: join(base, 'one'), two: join(base, 'two') }),
          }
          const theirs = await run([dibProgram('svc-map', 'extra-data.d/10-merge-svc-map-files')], {
            env,
            check: false,
          })
          if (theirs.exitCode !== 0) {
            expect(() => mergeServiceMaps(maps, distro)).toThrow(theirs.stdout.trim())
          } else {
            const written = await run(['cat', join(base, 'tmp/svc-map-services')])
            expect(Object.fromEntries(mergeServiceMaps(maps, distro))).toEqual(
              parse(written.stdout, { version: '1.1' }),
            )
          }
        },
      ),
      { numRuns: 15, seed: 38 },
    )
  })
})
