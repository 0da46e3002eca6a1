import { expect, test } from 'vitest'
import { entryKey, indexPlace, isImmutable, promisedDigest } from '../../../builder/packages/policy.ts'
import { hostAllowed, parseAuthority, parseTarget } from '../../../builder/packages/target.ts'
import { proxyFor, upstreamProxyFrom } from '../../../builder/packages/upstream-proxy.ts'

const base = 'http://mirror.example/debian'
const digest = 'ab'.repeat(32)

test.each([
  [`${base}/pool/main/h/hello/hello_1.0_all.deb`, true],
  [`${base}/pool/main/h/hello/hello_1.0_amd64.udeb`, true],
  [`${base}/pool/main/h/hello/hello_1.0.dsc`, true],
  [`${base}/pool/main/h/hello/hello_1.0.orig.tar.xz`, true],
  [`${base}/dists/stable/main/binary-amd64/by-hash/SHA256/${digest}`, true],
  [`${base}/dists/stable/InRelease`, false],
  [`${base}/dists/stable/main/binary-amd64/Packages.xz`, false],
  [`http://mirror.example/flat/hello_1.0_all.deb`, false],
  [`${base}/pool/main/h/hello/`, false],
])('%s is immutable: %s', (url, immutable) => {
  expect(isImmutable(url)).toBe(immutable)
})

test('a by-hash address promises its digest', () => {
  expect(promisedDigest(`${base}/dists/stable/main/source/by-hash/SHA256/${digest}`)).toEqual({
    algorithm: 'sha256',
    digest,
  })
  expect(promisedDigest(`${base}/dists/stable/main/source/by-hash/SHA512/${digest}`)).toBeUndefined()
  expect(promisedDigest(`${base}/dists/stable/InRelease`)).toBeUndefined()
})

test('a Packages index is known by its place, whatever its compression', () => {
  const slot = 'dists/stable/main/binary-amd64'
  const expected = { base: `${base}/`, slot }
  expect(indexPlace(`${base}/${slot}/Packages.xz`)).toEqual(expected)
  expect(indexPlace(`${base}/${slot}/by-hash/SHA256/${digest}`)).toEqual(expected)
  expect(indexPlace('http://mirror.example/flat/Packages')).toEqual({
    base: 'http://mirror.example/flat/',
    slot: '',
  })
  expect(indexPlace(`${base}/dists/stable/main/i18n/by-hash/SHA256/${digest}`)).toBeUndefined()
  expect(indexPlace(`${base}/dists/stable/main/source/Sources.xz`)).toBeUndefined()
})

test('one file with and without credentials has two entries', () => {
  expect(entryKey(base, 'Basic a')).not.toBe(entryKey(base, undefined))
  expect(entryKey(base, 'Basic a')).not.toBe(entryKey(base, 'Basic b'))
})

test('the target of a request is an http address, or the path form of an https one', () => {
  expect(parseTarget('http://u:p@Mirror.example/a/./b#c')).toEqual({
    url: 'http://mirror.example/a/b',
    hostname: 'mirror.example',
    port: 80,
  })
  expect(parseTarget('/https/mirror.example:8443/debian/dists/')).toEqual({
    url: 'https://mirror.example:8443/debian/dists/',
    hostname: 'mirror.example',
    port: 8443,
  })
  for (const other of ['/', '/https/u:p@h/x', '/https/h', 'ftp://h/x', 'file:///etc/shadow', 'https://h/x']) {
    expect(parseTarget(other), other).toBeUndefined()
  }
})

test('the authority of a CONNECT is a host and a port', () => {
  expect(parseAuthority('mirror.example:443')).toEqual({ hostname: 'mirror.example', port: 443 })
  for (const other of ['mirror.example', 'u@h:443', 'h:99999', 'h:443/x', '']) {
    expect(parseAuthority(other), other).toBeUndefined()
  }
})

test('a bare host allows the usual ports, host:port that one only', () => {
  const allowed = ['Mirror.example', 'other.example:8080']
  expect(hostAllowed(allowed, 'mirror.example', 80)).toBe(true)
  expect(hostAllowed(allowed, 'mirror.example', 443)).toBe(true)
  expect(hostAllowed(allowed, 'mirror.example', 22)).toBe(false)
  expect(hostAllowed(allowed, 'other.example', 8080)).toBe(true)
  expect(hostAllowed(allowed, 'other.example', 80)).toBe(false)
  expect(hostAllowed(allowed, 'evil-mirror.example', 80)).toBe(false)
  expect(hostAllowed(undefined, 'anything.example', 1)).toBe(true)
})

test.each([
  ['http://mirror.example/', 'mirror.example'],
  ['http://mirror.example/', '.example'],
  ['http://mirror.example/', 'localhost, *.example'],
  ['http://mirror.example:8080/', 'mirror.example:8080'],
  ['http://10.1.2.3/', '10.0.0.0/8'],
  ['http://[fd00::1]/', 'fd00::/8'],
  ['http://mirror.example/', '*'],
])('%s is reached directly with no_proxy=%s', (url, no) => {
  expect(proxyFor(new URL(url), { http: 'http://proxy.example:3128', no })).toBeUndefined()
})

test.each([
  ['http://mirror.example/', 'ror.example'],
  ['http://mirror.example:80/', 'mirror.example:8080'],
  ['http://11.1.2.3/', '10.0.0.0/8'],
  ['http://mirror.example/', ''],
])('%s goes through the proxy with no_proxy=%s', (url, no) => {
  expect(proxyFor(new URL(url), { http: 'http://proxy.example:3128', no })?.host).toBe('proxy.example:3128')
})

test('the proxies come from the environment, lower case first', () => {
  expect(
    upstreamProxyFrom({ http_proxy: 'proxy.example:3128', HTTP_PROXY: 'http://no.example', NO_PROXY: 'x' }),
  ).toEqual({ http: 'http://proxy.example:3128', no: 'x' })
  expect(upstreamProxyFrom({ http_proxy: '' })).toEqual({})
})

test('a proxy of another kind is named, not ignored', () => {
  expect(() => proxyFor(new URL(base), { http: 'socks5://proxy.example:1080' })).toThrow(
    expect.objectContaining({ code: 'PROXY_NOT_SUPPORTED' }),
  )
})
