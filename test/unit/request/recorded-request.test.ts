import { expect, test } from 'vitest'
import { recordedRequest } from '../../../builder/request/recorded-request.ts'

test('what bears on the image is recorded; where and how it was built is not', () => {
  const args = [
    ...[
      '-a',
      'amd64',
      '-o',
      '/home/ann/out/redis',
      '-t',
      'qcow2,raw',
      '--image-cache=/srv/cache',
      '--logfile',
      '/x',
    ],
    ...[
      '-p',
      'tcpdump',
      '--offline',
      '--no-tmpfs',
      '-x',
      '-n',
      '--checksum',
      'debian-minimal',
      'vm',
      'redis',
    ],
  ]
  expect(recordedRequest({ program: 'build-image', args, datastore: 'redis' })).toEqual({
    program: 'build-image',
    arguments: ['-a', 'amd64', '-t', 'qcow2,raw', '-p', 'tcpdump', '-n', 'debian-minimal', 'vm', 'redis'],
    datastore: 'redis',
  })
})

test('credentials in an address are not', () => {
  const args = ['--mkfs-options', 'x=https://ann:secret@example.org/a?token=t,y', 'https://u:p@host/e']
  expect(recordedRequest({ program: 'disk-image-create', args })).toEqual({
    program: 'disk-image-create',
    arguments: ['--mkfs-options', 'x=https://example.org/a,y', 'https://host/e'],
  })
})
