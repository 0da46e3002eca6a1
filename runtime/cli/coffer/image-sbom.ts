import { CofferError } from '../../../lib/errors.ts'
import { recordFiles } from '../../../registry/images/record.ts'
import { readRecordFile } from '../../../registry/images/record-directory.ts'
import { documentDate, documentText } from '../../../registry/images/supply-chain.ts'
import { type NamedImage, namedImage, recordOf } from './named-image.ts'

/**
 * `coffer image sbom`: the document beside the image; where it is missing, the one that the record gives.
 *
 * @throws CofferError BUILD_RECORD_MISSING, RECORD_OF_ANOTHER_IMAGE
 */
export async function printSbom(
  stateDir: string | undefined,
  word: string,
  format: 'spdx' | 'cyclonedx',
): Promise<number> {
  const image = await namedImage(stateDir, word)
  process.stdout.write(await sbomOf(image, format))
  return 0
}

async function sbomOf(image: NamedImage, format: 'spdx' | 'cyclonedx'): Promise<string | Buffer> {
  const record = await recordOf(image)
  const there = await readRecordFile(image.directory, recordFiles[format])
  if (there !== undefined) return there
  if (record !== undefined) return documentText(format, record, await documentDate(record, [image.file]))
  const { name, directory } = image
  throw new CofferError(
    'BUILD_RECORD_MISSING',
    `There is no record of the build of ${name}: ${directory} has none`,
    {
      hint: 'Keep the NAME.d directory of a build beside its image; put, sign and --register take it along.',
    },
  )
}
