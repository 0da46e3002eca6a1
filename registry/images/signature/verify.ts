import { recordFiles } from '../record.ts'
import { readRecordFile, recordDigests } from '../record-directory.ts'
import { type CoveredFile, SIGNED_FILES } from './image-statement.ts'
import { type Finding, judgeImage } from './judge.ts'
import type { TrustedKey } from './keys.ts'

/** What is to be checked. */
export interface VerifyImage {
  /** The image, its digest taken from the bytes that will be used. */
  readonly image: CoveredFile
  /** Where its record and signature are. */
  readonly directory: string
  readonly keys: readonly TrustedKey[]
}

/**
 * Checks an image's signature and all that it covers; see {@link judgeImage}.
 *
 * @throws CofferError RECORD_FILE_UNREADABLE
 */
export async function verifyImage({ image, directory, keys }: VerifyImage): Promise<readonly Finding[]> {
  const text = async (name: string) => (await readRecordFile(directory, name))?.toString('utf8')
  return judgeImage(
    {
      image,
      signature: await text(recordFiles.signature),
      manifest: await text(recordFiles.record),
      record: await recordDigests(directory, SIGNED_FILES),
    },
    keys,
  )
}
