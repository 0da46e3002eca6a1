import fc from 'fast-check'
import { expect, test } from 'vitest'
import { outputFormats, parseTypes } from '../../../builder/output/index.ts'

test('with one type its suffix is dropped from the name; with several it stays', () => {
  expect(parseTypes('qcow2', 'x.qcow2')).toEqual({ types: ['qcow2'], imageName: 'x' })
  expect(parseTypes('qcow2', 'dir.qcow2/x.raw')).toEqual({ types: ['qcow2'], imageName: 'dir.qcow2/x.raw' })
  expect(parseTypes('qcow2,raw', 'x.qcow2')).toEqual({ types: ['qcow2', 'raw'], imageName: 'x.qcow2' })
  expect(parseTypes('tgz', 'x.tgz')).toEqual({ types: ['tgz'], imageName: 'x' })
})

test('the dot is a dot, and only the end of the name counts', () => {
  expect(parseTypes('raw', 'xraw').imageName).toBe('xraw')
  expect(parseTypes('raw', 'x.raw.raw').imageName).toBe('x.raw')
})

test('the order of the list is kept, repetitions and empty words are not', () => {
  expect(parseTypes(',vmdk,qcow2,,vmdk,', 'x').types).toEqual(['vmdk', 'qcow2'])
})

test('words that could not be a format are refused before they reach a command line or a path', () => {
  for (const list of ['', ',', '../x', '-f', 'qcow2 raw', 'a,b=c', 'a\nb']) {
    expect(() => parseTypes(list, 'x')).toThrow(expect.objectContaining({ code: 'OUTPUT_TYPE_INVALID' }))
  }
})

test('any list of known formats is understood, and the name only ever loses its own suffix', () => {
  const list = fc.uniqueArray(fc.constantFrom(...outputFormats.keys()), { minLength: 1 })
  fc.assert(
    fc.property(list, fc.string(), (types, name) => {
      const parsed = parseTypes(types.join(','), name)
      expect(parsed.types).toEqual(types)
      expect([name, `${parsed.imageName}.${types[0]}`]).toContain(name)
      expect(name.startsWith(parsed.imageName)).toBe(true)
    }),
  )
})
