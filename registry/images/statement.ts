/** What an in-toto statement is about: a file, by digest. */
export interface Subject {
  readonly name: string
  readonly digest: { readonly sha256: string }
}

/** An in-toto Statement, version 1 (github.com/in-toto/attestation, spec/v1/statement.md). */
export interface Statement<Predicate> {
  readonly _type: typeof STATEMENT_TYPE
  readonly subject: readonly Subject[]
  readonly predicateType: string
  readonly predicate: Predicate
}

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'

/** Media type of a statement inside an envelope. */
export const STATEMENT_MEDIA_TYPE = 'application/vnd.in-toto+json'

export const subject = (name: string, sha256: string): Subject => ({ name, digest: { sha256 } })
