// Writes docs/reference/elements.md: every element that comes with the repository, as its README.rst begins.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { globSync } from 'glob'
import { markdownTable } from './markdown.ts'

const root = new URL('..', import.meta.url).pathname

/** Where the page stands in the repository. */
export const ELEMENTS_PAGE = new URL('../docs/reference/elements.md', import.meta.url)

/** The page: name, purpose and dependencies of each element. */
export function elementsPage(): string {
  return `<!-- Made by tools/elements-reference.ts from the elements. Change those, then run make docs. -->
# Elements

Elements are looked for on your \`ELEMENTS_PATH\`, then in \`elements/\`, then in \`builder/elements/\`; the first of a name wins.
Each one's \`README.rst\` has its variables.

## elements: what goes into images

These run under disk-image-builder too.

${elementTable('elements')}

## builder/elements: plumbing

They have the names and contracts of disk-image-builder's own, which take their place when it runs the elements above.

${elementTable('builder/elements')}
`
}

function elementTable(directory: string): string {
  const names = globSync('*/', { cwd: `${root}${directory}` }).sort()
  return markdownTable(
    ['Element', 'What it does', 'Needs', 'Provides'],
    names.map((name) => {
      const path = `${directory}/${name}`
      return [
        `[${name}](../../${path}/README.rst)`,
        firstParagraph(readme(path)),
        wordsOf(`${root}${path}/element-deps`),
        wordsOf(`${root}${path}/element-provides`),
      ]
    }),
  )
}

function readme(path: string): string {
  if (!existsSync(`${root}${path}/README.rst`)) throw new Error(`${path} has no README.rst`)
  return readFileSync(`${root}${path}/README.rst`, 'utf8')
}

function wordsOf(file: string): string {
  if (!existsSync(file)) return ''
  return readFileSync(file, 'utf8')
    .split(/\s+/)
    .filter((word) => word !== '')
    .sort()
    .join(', ')
}

/** The first paragraph of a reStructuredText page after its title, as Markdown. */
export function firstParagraph(page: string): string {
  const [paragraph = ''] = page.replace(/^\s*(=+\n)?[^\n]+\n=+\s*\n\s*/, '').split(/\n\s*\n/)
  const text = paragraph
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('``', '`')
  // A last sentence that leads over to a list says nothing without the list.
  return text.endsWith(':') ? text.replace(/(?<=\.) [^.]*:+$/, '').replace(/:+$/, '.') : text
}

if (import.meta.main) writeFileSync(ELEMENTS_PAGE, elementsPage())
