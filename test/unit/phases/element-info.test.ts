import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { run } from '../../../lib/exec.ts'
import { elementInfoEnvironment } from '../../../phases/resolve.ts'

const elements = [
  { name: 'vm', path: '/elements/vm' },
  { name: 'base', path: "/o'dd place/$HOME/base" },
]
const info = elementInfoEnvironment(elements)

test('IMAGE_ELEMENT has the names in order, IMAGE_ELEMENT_YAML the paths by sorted name', () => {
  expect(info.variables.IMAGE_ELEMENT).toBe('vm base')
  expect(parse(info.variables.IMAGE_ELEMENT_YAML)).toEqual({
    vm: '/elements/vm',
    base: "/o'dd place/$HOME/base",
  })
  expect(Object.keys(parse(info.variables.IMAGE_ELEMENT_YAML))).toEqual(['base', 'vm'])
})

test('ordinary paths stand in the array text as they are', () => {
  expect(
    elementInfoEnvironment([
      { name: 'vm', path: '/e/vm' },
      { name: 'base', path: '/e/base' },
    ]).array,
  ).toBe('[vm]=/e/vm [base]=/e/base ')
})

const READ = 'eval declare -A image=($(get_image_element_array)); printf "%s\\n" "${image[vm]}"'

test('a script gets the function from its environment and reads the array with it', async () => {
  const plain = elementInfoEnvironment([{ name: 'vm', path: '/elements/vm' }])
  const result = await run(['bash', '-c', READ], {
    env: { PATH: process.env.PATH, 'BASH_FUNC_get_image_element_array%%': plain.function },
  })
  expect(result.stdout).toBe('/elements/vm\n')
})

test('the --env text gives a shell the variables and the function, unusual paths included', async () => {
  const result = await run([
    'bash',
    '-c',
    `${info.text}\nbash -c 'printf "%s|" "$IMAGE_ELEMENT" "$IMAGE_ELEMENT_YAML"; get_image_element_array'`,
  ])
  expect(result.stdout).toBe(`vm base|${info.variables.IMAGE_ELEMENT_YAML}|${info.array}\n`)
})
