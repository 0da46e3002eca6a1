import { lchown } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildRecord, recordFiles } from '../../registry/images/record.ts'
import type { SigningKey } from '../../registry/images/signature/keys.ts'
import { removeStaleSignature, signImage } from '../../registry/images/signature/sign.ts'
import { documentDate, writeDocuments } from '../../registry/images/supply-chain.ts'

/** What the end of a build knows. */
export interface SupplyChainOptions {
  /** The `NAME.d` of the build: manifest.json and files.json.gz are in it, the output files beside it. */
  readonly directory: string
  /** As in manifest.json, written as `recordText` has it. */
  readonly record: BuildRecord
  /** Signs the outputs and the record with both SBOMs and the provenance. */
  readonly sign?: SigningKey
  /** Who shall own the files; default: whoever runs this. */
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/**
 * Writes what comes with an image beside its record: SBOMs in SPDX and CycloneDX, provenance, and the signature. Each is
 * written under another name and renamed. Called again, with `sign`, it only adds the signature; without, a signature that
 * an earlier build left goes, unless this build is equal.
 *
 * @returns names of the files that were written
 * @throws CofferError RECORD_FILE_UNREADABLE
 */
export async function writeSupplyChain({
  directory,
  record,
  sign,
  owner,
}: SupplyChainOptions): Promise<readonly string[]> {
  const outputs = record.outputs.map(({ file }) => join(directory, '..', file))
  const written = [...(await writeDocuments(directory, record, await documentDate(record, outputs)))]
  const images = record.outputs.map(({ file, sha256 }) => ({ name: file, sha256 }))
  if (sign === undefined) await removeStaleSignature({ directory, images })
  else {
    await signImage({ directory, images, key: sign })
    written.push(recordFiles.signature)
  }
  if (owner !== undefined) {
    for (const name of written) await lchown(join(directory, name), owner.uid, owner.gid)
  }
  return written
}
