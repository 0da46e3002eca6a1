import { createPrivateKey, X509Certificate } from 'node:crypto'
import { connect, createServer } from 'node:tls'
import { expect, test } from 'vitest'
import { rsaPair, selfSigned } from '../../../../runtime/guestagent/tls/self-signed.ts'

const NOW = new Date('2026-01-02T03:04:05Z')

test('the certificate belongs to its key, signs itself, and holds for ten years from yesterday', async () => {
  const { key, certificate } = await selfSigned('6c1e4f3a-guest', NOW)
  const parsed = new X509Certificate(certificate)
  expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true)
  expect(parsed.verify(parsed.publicKey)).toBe(true)
  expect(parsed.ca).toBe(true)
  expect(parsed.subject).toBe('CN=6c1e4f3a-guest')
  expect(new Date(parsed.validFrom).toISOString()).toBe('2026-01-01T03:04:05.000Z')
  expect(new Date(parsed.validTo).getUTCFullYear()).toBe(2036)
})

test('no two guests share a serial number or a key; the year 2050 has its own form of date', async () => {
  const [one, two] = await Promise.all([
    selfSigned('a', NOW),
    selfSigned('a', new Date('2049-06-01T00:00:00Z')),
  ])
  expect(new X509Certificate(one.certificate).serialNumber).not.toBe(
    new X509Certificate(two.certificate).serialNumber,
  )
  expect(new Date(new X509Certificate(two.certificate).validTo).getUTCFullYear()).toBe(2059)
})

test('a client that keeps the certificate as its authority trusts the server', async () => {
  const { key, certificate } = await selfSigned('the-guest', NOW)
  const server = createServer({ key, cert: certificate }, (socket) => socket.end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const authorized = await new Promise<boolean>((resolve, reject) => {
    const socket = connect(
      { port, host: '127.0.0.1', ca: certificate, checkServerIdentity: () => undefined },
      () => {
        resolve(socket.authorized)
        socket.destroy()
      },
    )
    socket.on('error', reject)
  })
  server.close()
  expect(authorized).toBe(true)
})

test('the RSA pair is one pair', async () => {
  const { key, publicKey } = await rsaPair()
  expect(createPrivateKey(key).asymmetricKeyDetails?.modulusLength).toBe(2048)
  expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----/)
})
