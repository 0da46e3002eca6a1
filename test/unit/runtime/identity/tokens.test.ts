import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newId } from '../../../../runtime/identity/records.ts'
import { newAuditId, type TokenClaims, tokenSigner } from '../../../../runtime/identity/tokens.ts'

const signer = tokenSigner(Buffer.alloc(32, 7))

const hexId = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
  // An id of zeros stands for "none"; a random one never is.
  bytes[0] = 1
  return Buffer.from(bytes)
})
const time = fc.integer({ min: 0, max: 2 ** 47 })
const claims: fc.Arbitrary<TokenClaims> = fc.record({
  userId: hexId.map((id) => id.toString('hex')),
  projectId: fc.option(
    hexId.map((id) => id.toString('hex')),
    { nil: undefined },
  ),
  methods: fc.constantFrom(['password'] as const, ['token'] as const, ['password', 'token'] as const),
  auditIds: fc.oneof(
    hexId.map((id) => [id.toString('base64url')] as const),
    fc.tuple(hexId, hexId).map(([a, b]) => [a.toString('base64url'), b.toString('base64url')] as const),
  ),
  issuedAt: time,
  expiresAt: time,
})

describe('a token', () => {
  test('says what it was made to say', () => {
    fc.assert(
      fc.property(claims, (said) => {
        expect(signer.read(signer.sign(said))).toEqual(said)
      }),
    )
  })

  test('fits any header, URL and command line, and begins with a letter', () => {
    fc.assert(
      fc.property(claims, (said) => {
        expect(signer.sign(said)).toMatch(/^[A-Za-z][\w-]{146}$/)
      }),
    )
  })

  test('is worthless once a single character of it is changed, left out or added', () => {
    const token = signer.sign(someClaims())
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: token.length - 1 }),
        fc.base64String({ minLength: 1 }),
        (at, other) => {
          const letter = other[0] ?? 'A'
          fc.pre(letter !== token[at])
          expect(signer.read(token.slice(0, at) + letter + token.slice(at + 1))).toBeUndefined()
          expect(signer.read(token.slice(0, at) + token.slice(at + 1))).toBeUndefined()
          expect(signer.read(token.slice(0, at) + letter + token.slice(at))).toBeUndefined()
        },
      ),
    )
  })

  test('of another key is worthless', () => {
    expect(signer.read(tokenSigner(Buffer.alloc(32, 8)).sign(someClaims()))).toBeUndefined()
  })

  test('is refused, not tripped over, whatever text comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(signer.read(text)).toBeUndefined()
      }),
    )
  })
})

const someClaims = (): TokenClaims => ({
  userId: newId(),
  projectId: newId(),
  methods: ['password'],
  auditIds: [newAuditId()],
  issuedAt: 1_800_000_000_000,
  expiresAt: 1_800_003_600_000,
})
