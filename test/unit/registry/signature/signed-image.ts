import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { sha256 } from '../../../../lib/hash.ts'
import { type BuildRecord, recordFiles, recordText } from '../../../../registry/images/record.ts'
import { signImage } from '../../../../registry/images/signature/sign.ts'
import { makeKeyPair, readSigningKey } from '../../../../registry/images/signature/signing-key.ts'
import { documentDate, writeDocuments } from '../../../../registry/images/supply-chain.ts'
import { sampleRecord } from '../sample-record.ts'

/** An image file with the directory that its build left. */
export interface BuiltImage {
  readonly image: string
  readonly directory: string
  readonly record: BuildRecord
  /** Of the image's bytes. */
  readonly sha256: string
}

/** Writes `NAME.raw` and `NAME.d` as a build does, unsigned. */
export async function builtImage(
  home: string,
  name = 'redis',
  bytes = `boot sector of ${name}`,
): Promise<BuiltImage> {
  const image = join(home, `${name}.raw`)
  const directory = join(home, `${name}.d`)
  const digest = sha256(bytes)
  const record: BuildRecord = {
    ...sampleRecord,
    name,
    outputs: [{ file: `${name}.raw`, format: 'raw', bytes: bytes.length, sha256: digest }],
  }
  await mkdir(directory, { recursive: true })
  await writeFile(image, bytes)
  await writeFile(join(directory, recordFiles.record), recordText(record))
  await writeFile(
    join(directory, recordFiles.files),
    gzipSync(JSON.stringify({ recordVersion: 1, files: {} })),
  )
  await writeDocuments(directory, record, await documentDate(record, [image]))
  return { image, directory, record, sha256: digest }
}

/** Makes a key pair. @returns the private key's file; the public one's is `FILE.pub` */
export async function keyIn(home: string, name: string): Promise<string> {
  const file = join(home, name)
  await makeKeyPair(file)
  return file
}

/** Signs what {@link builtImage} made. */
export async function signBuiltImage(built: BuiltImage, keyFile: string): Promise<void> {
  const { directory, record } = built
  const images = record.outputs.map(({ file, sha256: digest }) => ({ name: file, sha256: digest }))
  await signImage({ directory, images, key: await readSigningKey(keyFile) })
}
