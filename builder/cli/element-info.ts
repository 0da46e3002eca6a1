import { CofferError } from '../../lib/errors.ts'
import { getopt } from '../../lib/getopt.ts'
import { indexElements } from '../../phases/elements.ts'
import { elementInfoEnvironment, resolveElements } from '../../phases/resolve.ts'
import { elementSearchPath } from '../engine/prepare.ts'
import { type BuildOption, optionRows } from '../request/options.ts'
import { runMain } from './main.ts'

const PROGRAM = 'element-info'

const options: readonly BuildOption[] = [
  {
    names: ['--env', '-e'],
    argument: false,
    help: 'print shell text that exports IMAGE_ELEMENT, IMAGE_ELEMENT_YAML and get_image_element_array',
  },
  { names: ['-h', '--help'], argument: false, help: 'display this help and exit' },
]

const HELP = `Usage: ${PROGRAM} [OPTION]... ELEMENT...

Prints the elements that a build of the named ones would have, their dependencies first. Nothing is added to the names:
disk-image-create puts base in front of them unless it is told not to.

Options:
${optionRows(options)}

ELEMENTS_PATH names directories of elements, colon separated; the first wins, the built-in ones come last.
`

/** `element-info` (DIB contract §2): what elements expand to. */
async function main(args: readonly string[]): Promise<number> {
  const { options: given, words } = getopt(PROGRAM, args, options)
  const has = (name: string) => given.some((option) => option.name === name)
  if (has('-h')) {
    process.stdout.write(HELP)
    return 0
  }
  if (words.length === 0) {
    throw new CofferError('NO_ELEMENTS', `${PROGRAM} needs one or more elements`, {
      hint: `For example: ${PROGRAM} debian-minimal vm block-device-mbr`,
    })
  }
  const elements = resolveElements(await indexElements(elementSearchPath(process.env)), words)
  const names = elements.map(({ name }) => name).join(' ')
  process.stdout.write(has('--env') ? elementInfoEnvironment(elements).text : `${names}\n`)
  return 0
}

await runMain(main)
