import { access } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { packageMapRule, yamlRule } from './data-rules.ts'
import { ownExclusions, treeExclusions } from './exclusions.ts'
import { elementDirectories, filesBelow, ignoredByGit } from './find-files.ts'
import { flake8 } from './flake8.ts'
import type { Rule } from './rule.ts'
import { scriptRules } from './script-rules.ts'
import { isPython, readSource, type SourceFile } from './source-file.ts'
import { textRules } from './text-rules.ts'

/** What to lint. */
export interface LintRequest {
  /** Directories of element directories. */
  readonly elements: readonly string[]
  /** A directory of library files; only tabs and final newlines are looked at there. */
  readonly library?: string
  readonly say: (line: string) => void
}

/**
 * Checks element trees the way DIB's dib-lint does and says what it finds (DIB contract §3.5).
 *
 * @return the number of errors.
 * @throws CofferError `LINT_NO_ELEMENTS`
 */
export async function lint({ elements, library, say }: LintRequest): Promise<number> {
  let errors = 0
  const error = (text: string) => {
    errors++
    say(`ERROR: ${text}`)
  }
  for (const directory of (await Promise.all(elements.map(elementDirectories))).flat()) {
    await access(join(directory, 'README.rst')).catch(() => error(`${directory} lacks a README.rst`))
  }

  const found = (await Promise.all(elements.map(filesBelow))).flat()
  const libraryFiles = library === undefined ? [] : await filesBelow(library)
  const ignored = await ignoredByGit([...found, ...libraryFiles])
  const everywhere = await treeExclusions()
  const read = (paths: readonly string[]) =>
    Promise.all(paths.filter((path) => !ignored.has(path)).map(readSource))
  const files = await read(found)
  const apply = (rules: readonly Rule[], file: SourceFile) => {
    const off = new Set([...everywhere, ...ownExclusions(file)])
    for (const rule of rules) {
      if (rule.name !== undefined && off.has(rule.name)) continue
      const label = rule.name === undefined ? '' : ` [${rule.name}]`
      for (const complaint of rule.check(file)) {
        const [first = '', ...places] = complaint.split('\n')
        error([`${file.path} ${first}${label}`, ...places].join('\n'))
      }
    }
  }

  for (const path of found) if (ignored.has(path)) say(`Skipping ${path}`)
  let flake8Missing = false
  for (const file of files) {
    if (/\.(rst|yaml|py)$/.test(file.path)) continue
    say(`Checking ${file.path}`)
    apply(scriptRules, file)
    if (!isPython(file)) continue
    const complaints = await flake8(file.path)
    if (complaints === undefined) flake8Missing = true
    for (const complaint of complaints ?? []) error(`${file.path} ${complaint}`)
  }
  if (flake8Missing) say('flake8 is not installed: Python scripts were not checked with it')

  say('Checking indents...')
  for (const file of [
    ...files.filter(({ path, executable }) => executable || path.endsWith('.rst')),
    ...(await read(libraryFiles)),
  ]) {
    apply(textRules, file)
  }
  const markdown = found.filter((path) => path.endsWith('.md'))
  if (markdown.length > 0 && !everywhere.includes('mddocs')) {
    error(`readmes of elements are written in reStructuredText, found: ${markdown.join(' ')} [mddocs]`)
  }
  say('Checking YAML parsing...')
  for (const file of files.filter(({ path }) => path.endsWith('.yaml'))) {
    say(`Parsing  ${file.path}`)
    apply([yamlRule], file)
  }
  say('Checking pkg-map files...')
  for (const file of files.filter(({ path, executable }) => basename(path) === 'pkg-map' && !executable)) {
    say(`Parsing  ${file.path}`)
    apply([packageMapRule], file)
  }
  return errors
}
