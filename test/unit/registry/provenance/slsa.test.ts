import { expect, test } from 'vitest'
import { sha256 } from '../../../../lib/hash.ts'
import { provenanceStatement } from '../../../../registry/images/provenance/slsa.ts'
import { recordText } from '../../../../registry/images/record.ts'
import { sampleRecord } from '../sample-record.ts'

test('the provenance says what was built from what, by digest', () => {
  expect(provenanceStatement(sampleRecord)).toEqual({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      { name: 'redis.qcow2', digest: { sha256: 'f'.repeat(64) } },
      { name: 'redis.raw', digest: { sha256: '0'.repeat(64) } },
    ],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:coffer:build:v1',
        externalParameters: {
          program: 'build-image',
          arguments: ['--release', 'bookworm', 'redis'],
          datastore: 'redis',
          elements: ['debian-minimal', 'my_element'],
          architecture: 'amd64',
          lock: '1'.repeat(64),
        },
        internalParameters: { sourceDate: '2026-01-02T03:04:05.000Z', steps: 1 },
        resolvedDependencies: [
          {
            name: 'libstdc++6 12.2.0-14+deb12u1 amd64',
            uri: 'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64',
          },
          {
            name: 'redis-server 5:7.0.15-1~deb12u1+b2 amd64',
            uri: 'https://example.org/pool/redis-server_7.0.15-1~deb12u1+b2_amd64.deb',
            digest: { sha256: 'd'.repeat(64) },
          },
          { name: 'zlib1g 1:1.2.13 amd64', uri: 'pkg:deb/debian/zlib1g@1:1.2.13?arch=amd64' },
          { uri: 'https://example.org/tool.tar.gz', digest: { sha256: 'e'.repeat(64) } },
          {
            name: 'app',
            uri: 'git+https://git.example.org/app.git@main',
            digest: { gitCommit: 'a'.repeat(40) },
          },
          { name: 'own', uri: 'git+file:///srv/git/own@v1', digest: { gitCommit: 'b'.repeat(40) } },
          { name: 'element debian-minimal', digest: { sha256: 'a'.repeat(64) } },
          { name: 'element my_element', digest: { sha256: 'b'.repeat(64) } },
          { name: 'lock', digest: { sha256: '1'.repeat(64) } },
        ],
      },
      runDetails: {
        builder: { id: 'urn:coffer:builder', version: { coffer: '0.1.0' } },
        byproducts: [{ name: 'manifest.json', digest: { sha256: sha256(recordText(sampleRecord)) } }],
      },
    },
  })
})

test('equal builds have equal provenance; a platform can name itself', () => {
  expect(provenanceStatement(structuredClone(sampleRecord))).toEqual(provenanceStatement(sampleRecord))
  expect(
    provenanceStatement(sampleRecord, 'https://ci.example.org/runner').predicate.runDetails.builder.id,
  ).toBe('https://ci.example.org/runner')
})
