import type { BuildRecord } from '../../../registry/images/record.ts'

const digest = (digit: string) => digit.repeat(64)

/** The record of a small image with one of everything. */
export const sampleRecord: BuildRecord = {
  recordVersion: 1,
  name: 'redis',
  builder: { name: 'coffer', version: '0.1.0' },
  architecture: 'amd64',
  distribution: { id: 'debian', version: '12', codename: 'bookworm' },
  request: { program: 'build-image', arguments: ['--release', 'bookworm', 'redis'], datastore: 'redis' },
  sourceDate: '2026-01-02T03:04:05.000Z',
  elements: [
    { name: 'debian-minimal', digest: digest('a'), builtIn: true },
    { name: 'my_element', digest: digest('b'), builtIn: false },
  ],
  steps: [{ phase: 'install.d', script: '10-redis', element: 'redis', id: digest('c') }],
  packages: [
    {
      name: 'libstdc++6',
      version: '12.2.0-14+deb12u1',
      architecture: 'amd64',
      source: 'gcc-12',
      maintainer: 'Debian "GCC" Maintainers <gcc@example.org>',
      section: 'libs',
      licenses: [],
      mentionedLicenses: ['GPL-3', 'LGPL'],
    },
    {
      name: 'redis-server',
      version: '5:7.0.15-1~deb12u1+b2',
      architecture: 'amd64',
      source: 'redis',
      sourceVersion: '5:7.0.15-1~deb12u1',
      maintainer: 'Ann',
      licenses: ['BSD-3-clause', 'public-domain or MIT/X11'],
      sha256: digest('d'),
      url: 'https://ann:secret@example.org/pool/redis-server_7.0.15-1~deb12u1+b2_amd64.deb?token=1',
    },
    { name: 'zlib1g', version: '1:1.2.13', architecture: 'amd64', licenses: ['Zlib'] },
  ],
  downloads: [{ url: 'https://example.org/tool.tar.gz', sha256: digest('e'), kind: 'file' }],
  sources: [
    { name: 'app', location: 'https://git.example.org/app.git', ref: 'main', revision: 'a'.repeat(40) },
    { name: 'own', location: '/srv/git/own', ref: 'v1', revision: 'b'.repeat(40) },
  ],
  outputs: [
    { file: 'redis.qcow2', format: 'qcow2', bytes: 9, sha256: digest('f') },
    { file: 'redis.raw', format: 'raw', bytes: 99, sha256: digest('0') },
  ],
  agentVersion: '0.1.0',
  nodeVersion: '24.21.0',
  lock: digest('1'),
  unreproducible: [],
}
