import { basename, dirname } from 'node:path'
import { complainIf, type Rule } from './rule.ts'
import { firstLine, isPython, linesOf, type SourceFile } from './source-file.ts'

const isScript = (file: SourceFile) => file.text.startsWith('#!')
const isBash = (file: SourceFile) => firstLine(file).includes('#!/bin/bash')
const isEnvironment = (file: SourceFile) => file.path.includes('environment.d')

/** A rule for bash scripts: they must hold a line of this form. */
function bashMust(name: string, pattern: RegExp, complaint: string): Rule {
  return { name, check: (file) => complainIf(isBash(file) && !pattern.test(file.text), complaint) }
}

/** Checks 2, 3 and 5 to 12, in DIB's order: what is looked at in every file of an element. */
export const scriptRules: readonly Rule[] = [
  {
    // 2: the shell's read would lose the last line.
    check: (file) =>
      complainIf(
        basename(file.path).includes('source-repository-') && file.text !== '' && !file.text.endsWith('\n'),
        'does not end with a newline, so its last line would be lost',
      ),
  },
  {
    // 3
    name: 'executable',
    check: (file) => complainIf(isScript(file) && !file.executable, 'is a script and is not executable'),
  },
  { name: 'indent', check: (file) => (isScript(file) && !isPython(file) ? oddIndents(file) : []) }, // 5
  { check: (file) => (basename(file.path) === 'element-deps' ? unsortedDependencies(file) : []) }, // 6
  {
    // 7
    check: (file) =>
      complainIf(
        /^#!.*bash/.test(firstLine(file)) && firstLine(file) !== '#!/bin/bash',
        'must begin with #!/bin/bash, as all bash scripts of elements do',
      ),
  },
  bashMust('sete', /^set -[^ \n]*e/m, 'does not stop at errors: set -e is missing'),
  bashMust('setu', /^set -[^ \n]*u/m, 'does not refuse unset variables: set -u is missing'),
  bashMust('setpipefail', /^set -o pipefail/m, 'does not see failures in pipes: set -o pipefail is missing'),
  bashMust('dibdebugtrace', /DIB_DEBUG_TRACE/, 'does not follow DIB_DEBUG_TRACE'),
  {
    // 9
    check: (file) => [
      ...complainIf(
        isEnvironment(file) && file.text.includes('set -x'),
        'is an environment file and must not set tracing',
      ),
      ...complainIf(
        isEnvironment(file) && file.executable,
        'is an environment file and must not be executable',
      ),
    ],
  },
  {
    // 10: export would hide a failure of the command.
    check: (file) =>
      complainIf(
        /export .*\$\(/.test(file.text),
        'exports the output of a command: assign first, then export',
      ),
  },
  { name: 'safe_sudo', check: unsafeSudo }, // 11
  { name: 'which', check: usesWhich }, // 12
]

function oddIndents(file: SourceFile): string[] {
  const places = linesOf(file).flatMap((line, at) =>
    /^(?: {4})* {1,3}[^ ]/.test(line) ? [`${at + 1}:${line}`] : [],
  )
  return places.length === 0 ? [] : [['is not indented by multiples of four spaces', ...places].join('\n')]
}

function unsortedDependencies(file: SourceFile): readonly string[] {
  const names = linesOf(file).filter((line) => line !== '' && !line.startsWith('#'))
  const sorted = [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const at = names.findIndex((name, index) => name !== sorted[index])
  return complainIf(at >= 0, `is not sorted alphabetically: ${sorted[at]} comes before ${names[at]}`)
}

/** Lines as the shell's `read` gives them: trimmed, and one where a backslash joins two. */
function shellLines(file: SourceFile): string[] {
  return file.text
    .replace(/\\\n/g, '')
    .split('\n')
    .map((line) => line.trim())
}

/** Phases outside the chroot, where sudo acts on the machine that builds. DIB's list. */
const OUTSIDE = /root.d|extra-data.d|block-device.d|finalise.d|cleanup.d/
const SAFE =
  /dib-lint: safe_sudo|^#|install-packages|TARGET_ROOT|IMAGE_BLOCK_DEVICE|TMP_MOUNT_PATH|TMP_IMAGE_PATH/

function unsafeSudo(file: SourceFile): string[] {
  if (!OUTSIDE.test(dirname(file.path))) return []
  return shellLines(file)
    .filter((line) => line.includes('sudo ') && !SAFE.test(line))
    .map((line) => `uses sudo outside the tree that is built, perhaps\n -- ${line}`)
}

function usesWhich(file: SourceFile): string[] {
  return shellLines(file)
    .filter((line) => line.includes('which ') && !/dib-lint: which|^#/.test(line))
    .map((line) => `may use which, where command -v is at hand\n -- ${line}`)
}
