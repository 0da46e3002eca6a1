import { expect, test } from 'vitest'
import { cacheDirectives, mayWriteOnHost } from '../../../builder/cache/directives.ts'

const none = { never: false, safe: false, output: undefined, inputs: [] }

test('a script without directives says nothing', () => {
  expect(cacheDirectives('#!/bin/bash\necho "cache: never"\n')).toEqual(none)
})

test.each([
  ['# cache: never', { never: true }],
  ['#cache:never', { never: true }],
  ['# cache: never, since it asks a server for the time', { never: true }],
  ['# cache: safe', { safe: true }],
  ['# cache: output DIB_MANIFEST_SAVE_DIR', { output: 'DIB_MANIFEST_SAVE_DIR' }],
  ['# cache: input agent node', { inputs: ['agent', 'node'] }],
  ['# cache: input agent\n# cache: input node', { inputs: ['agent', 'node'] }],
])('%j', (line, said) => {
  expect(cacheDirectives(`#!/bin/bash\nset -eu\n\n${line}\n\ntrue\n`)).toEqual({ ...none, ...said })
})

test.each([
  '# cache: output of the build goes beside the image',
  '# cache: safe to delete',
  '# cache: nevertheless',
  '# the cache: never mind',
  '  # cache: never',
  'echo # cache: never',
  '#\ncache: never',
  '# cache:\nnever',
])('%j is prose', (line) => {
  expect(cacheDirectives(`${line}\n`)).toEqual(none)
})

test.each([
  ['cp x "$OUT_IMAGE_PATH"', true],
  ['cp x "${IMAGE_NAME}.d/"', true],
  ['ls $TMP_IMAGE_DIR', true],
  ['echo $MY_IMAGE_NAME $IMAGE_NAMES', false],
  ['# cache: safe\necho "$IMAGE_NAME"', false],
  ['# cache: output SAVE\ncp x "$SAVE/$IMAGE_NAME"', false],
])('a script outside that has %j may write on the host: %j', (text, expected) => {
  expect(mayWriteOnHost(text, cacheDirectives(text))).toBe(expected)
})
