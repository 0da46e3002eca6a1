import { recordFiles } from '../../../registry/images/record.ts'
import { readRecordFile } from '../../../registry/images/record-directory.ts'
import { documentDate, documentText } from '../../../registry/images/supply-chain.ts'
import { namedImage, recordOf } from './named-image.ts'

/** `coffer image sbom`: the document beside the image; where it is missing, the one that the record gives. */
export async function printSbom(
  stateDir: string | undefined,
  word: string,
  format: 'spdx' | 'cyclonedx',
): Promise<number> {
  const image = await namedImage(stateDir, word)
  const there = await readRecordFile(image.directory, recordFiles[format])
  process.stdout.write(there ?? (await made(image, format)))
  return 0
}

async function made(
  image: Awaited<ReturnType<typeof namedImage>>,
  format: 'spdx' | 'cyclonedx',
): Promise<string> {
  const record = await recordOf(image)
  return documentText(format, record, await documentDate(record, [image.file]))
}
