import { readFileSync } from 'node:fs'
import { globSync } from 'glob'
import { expect, test } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const read = (file: string) => readFileSync(`${root}${file}`, 'utf8')

test('the guide to CI names every event of --monitor json with its fields', () => {
  const events = [...read('builder/engine/events.ts').matchAll(/\{[^{}]*readonly event: '([^']+)'[^{}]*\}/g)]
  expect(events.length).toBeGreaterThan(5)
  const rows = new Map(
    read('docs/guide/ci.md')
      .split('\n')
      .map((line) => [/^\| `([a-z-]+)` \|/.exec(line)?.[1] ?? '', line]),
  )
  for (const [text, name = ''] of events) {
    const fields = [...text.matchAll(/readonly (\w+)\??:/g)].map((match) => match[1] ?? '')
    for (const field of fields.filter((word) => word !== 'event' && word !== 'time')) {
      expect(rows.get(name), `event ${name}`).toContain(`\`${field}\``)
    }
  }
})

test('every link of the documentation leads to a file that is there', () => {
  const pages = globSync(['README.md', 'docs/**/*.md'], { cwd: root })
  expect(pages.length).toBeGreaterThan(10)
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => globSync(new URL(link, `file://${root}${page}`).pathname).length === 0)
      .map((link) => `${page}: ${link}`),
  )
  expect(broken).toEqual([])
})

test('the commands that README.md and the guides show have the options they are shown with', () => {
  const known = read('docs/reference/cli.md')
  const shown = globSync(['README.md', 'docs/guide/*.md'], { cwd: root }).flatMap((page) =>
    [...read(page).matchAll(/^.*builder\/bin\/(?:build-image|disk-image-create) .*$/gm)].flatMap(([line]) =>
      [...line.replace(/ #.*/, '').matchAll(/ (--[a-z-]+)/g)].map((match) => match[1] ?? ''),
    ),
  )
  expect(shown).toContain('--boot-check')
  expect(shown.filter((option) => !known.includes(`\`${option}`) && !known.includes(`, ${option}`))).toEqual(
    [],
  )
})
