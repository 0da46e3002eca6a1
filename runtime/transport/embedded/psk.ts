import { constants, createHash } from 'node:crypto'
import type { ConnectionOptions, TlsOptions } from 'node:tls'

/**
 * Both sides prove that they know the secret of an identity, without certificates: TLS 1.3 with an external pre-shared key.
 * OpenSSL combines it with an ephemeral key exchange (psk_dhe_ke), so that a secret which leaks later opens no recorded session.
 */
const PSK_TLS = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  // An external key goes with SHA-256 (RFC 8446 §4.2.11).
  ciphers: 'TLS_AES_128_GCM_SHA256',
} as const

/** The first line of a connection, in clear: the hub looks the secret up before the handshake, which cannot wait for it. */
export const PRELUDE = 'COFFER/1'
export const PRELUDE_LIMIT = 256

export const preludeLine = (identity: string): string => `${PRELUDE} ${identity}\n`

/** The identity of a prelude line without its newline, or undefined when it is none. */
export function readPrelude(line: string): string | undefined {
  const [word, identity, ...more] = line.split(' ')
  return word === PRELUDE && more.length === 0 ? identity : undefined
}

/** The pre-shared key of a secret. A secret of any form will do; its strength is its maker's affair. */
export function pskOf(secret: string): Buffer {
  return createHash('sha256').update('coffer transport key\0').update(secret).digest()
}

/** @param keyOf the key of a socket's identity, known since its prelude; null refuses the handshake */
export function hubTls(keyOf: (identity: string, socket: object) => Buffer | null): TlsOptions {
  return {
    ...PSK_TLS,
    // Nobody resumes a session: each connection proves its key, and none costs the memory of tickets.
    secureOptions: constants.SSL_OP_NO_TICKET,
    pskCallback: (socket, identity) => keyOf(identity, socket),
  }
}

export function clientTls(identity: string, secret: string): ConnectionOptions {
  return {
    ...PSK_TLS,
    pskCallback: () => ({ psk: pskOf(secret), identity }),
    // The hub has no certificate: it proves itself by the key.
    checkServerIdentity: () => undefined,
  }
}
