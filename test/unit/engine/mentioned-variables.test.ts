import { expect, test } from 'vitest'
import { aliasesOf, mentionedIn } from '../../../builder/engine/mentioned-variables.ts'

const known = { IMAGE_NAME: ['IMAGE_NAME'], IMAGE_TYPE: ['IMAGE_TYPE'], IMAGE_LIST: ['IMAGE_NAME'] }

/** What a text mentions, given environment files. */
const mentioned = (text: string, ...files: readonly string[]) => mentionedIn(text, aliasesOf(files, known))

test.each([
  ['echo "$IMAGE_NAME"', ['IMAGE_NAME']],
  [`echo "\${IMAGE_TYPE:-raw}" $IMAGE_NAME`, ['IMAGE_NAME', 'IMAGE_TYPE']],
  ['printenv IMAGE_NAME', ['IMAGE_NAME']],
  ['echo $IMAGE_LIST', ['IMAGE_NAME']],
  ['echo $IMAGE_NAMES $MY_IMAGE_NAME', []],
  ['echo', []],
])('%j mentions %j', (text, names) => {
  expect(mentioned(text)).toEqual(names)
})

test.each([
  ['export SAVE_DIR=$IMAGE_NAME.d', ['IMAGE_NAME']],
  [`export SAVE_DIR=\${SAVE_DIR:-$IMAGE_NAME.d}\nexport OTHER=x`, ['IMAGE_NAME']],
  ['export SAVE_DIR="$IMAGE_NAME-$IMAGE_TYPE"', ['IMAGE_NAME', 'IMAGE_TYPE']],
  ['declare -x OTHER=1 SAVE_DIR=$IMAGE_NAME', ['IMAGE_NAME']],
  ['if [ "$IMAGE_TYPE" = raw ]; then\n  export SAVE_DIR=raw\nfi', ['IMAGE_TYPE']],
  ['if [ "$IMAGE_TYPE" = raw ]; then OTHER=1\nSAVE_DIR=2; fi', ['IMAGE_TYPE']],
  ['basename "$IMAGE_NAME" > /tmp/x\nexport SAVE_DIR=$(cat /tmp/x)', ['IMAGE_NAME']],
  ['export OTHER=$IMAGE_NAME\nexport SAVE_DIR=x', []],
  ['# of IMAGE_NAME\nexport SAVE_DIR=x', []],
])('a variable of the environment file %j stands for %j', (file, names) => {
  expect(mentioned('ls $SAVE_DIR', file)).toEqual(names)
})

test('environment files build on each other, whatever their order', () => {
  const files = ['export C=$B', 'export B=$A', 'export A=$IMAGE_NAME']
  expect(mentioned('echo $C', ...files)).toEqual(['IMAGE_NAME'])
  expect(mentioned('echo $C', ...files.toReversed())).toEqual(['IMAGE_NAME'])
  expect(mentioned('echo $X', 'export X=$Y', 'export Y=$X')).toEqual([])
})
