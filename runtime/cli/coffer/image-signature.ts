import { mkdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { digestFile } from '../../../lib/hash.ts'
import { isFile } from '../../../lib/path-kind.ts'
import { printableLine } from '../../../lib/printable.ts'
import { trustedKeysOf } from '../../../registry/images/policy.ts'
import { readRecord } from '../../../registry/images/record-directory.ts'
import type { CoveredFile } from '../../../registry/images/signature/image-statement.ts'
import { type Finding, requireRecordOf } from '../../../registry/images/signature/judge.ts'
import { readPassphrase } from '../../../registry/images/signature/passphrase.ts'
import { signImage } from '../../../registry/images/signature/sign.ts'
import { makeKeyPair, readSigningKey } from '../../../registry/images/signature/signing-key.ts'
import { verifyImage } from '../../../registry/images/signature/verify.ts'
import { documentDate, writeDocuments } from '../../../registry/images/supply-chain.ts'
import { imagePolicyOf } from '../../settings/image-policy.ts'
import { type NamedImage, namedImage } from './named-image.ts'
import { cofferSettings, environmentFor } from './settings.ts'

/** `coffer image keygen` */
export async function makeKey(file: string, passphraseFile: string | undefined): Promise<number> {
  const passphrase = await readPassphrase(environmentFor(undefined), passphraseFile)
  const id = await makeKeyPair(file, passphrase)
  const open = passphrase === undefined || passphrase === '' ? ', not encrypted' : ', encrypted'
  return print(
    `key ${id}`,
    `${file}  private${open}: for --sign and image sign`,
    `${file}.pub  public: for image verify and trusted_image_keys`,
  )
}

/** `coffer image sign`: SBOMs and provenance are made first, where they are not those of the record. */
export async function sign(
  stateDir: string | undefined,
  word: string,
  options: { readonly key: string; readonly passphraseFile?: string },
): Promise<number> {
  const passphrase = await readPassphrase(environmentFor(stateDir), options.passphraseFile)
  const key = await readSigningKey(options.key, passphrase)
  const named = await namedImage(stateDir, word)
  const images = await imagesToSign(named)
  await mkdir(named.directory, { recursive: true, mode: 0o755 })
  const record = await readRecord(named.directory)
  if (record !== undefined) {
    await writeDocuments(named.directory, record, await documentDate(record, [named.file]))
  }
  const covered = await signImage({ directory: named.directory, images, key })
  return print(`signed with key ${key.id}: ${covered.map(printableLine).join(', ')}`)
}

/** The image under the name that its build gave it, and its other formats as far as they lie beside it. */
async function imagesToSign({ file, directory }: NamedImage): Promise<readonly CoveredFile[]> {
  const image = { name: basename(file), sha256: await digestFile(file) }
  const record = await readRecord(directory)
  if (record === undefined) return [image]
  requireRecordOf(image, record)
  const images: CoveredFile[] = []
  for (const { file: name, sha256 } of record.outputs) {
    const path = join(dirname(file), name)
    if (sha256 === image.sha256) images.push({ name, sha256 })
    else if (await isFile(path)) {
      requireRecordOf({ name, sha256: await digestFile(path) }, { outputs: [{ sha256 }] })
      images.push({ name, sha256 })
    }
  }
  return images
}

/** `coffer image verify`: prints what held. */
export async function verify(
  stateDir: string | undefined,
  word: string,
  options: { readonly key?: readonly string[]; readonly json?: true },
): Promise<number> {
  const trusted = options.key ?? imagePolicyOf(await cofferSettings(stateDir)).trustedKeys
  const keys = await trustedKeysOf({ requireSigned: true, trustedKeys: trusted })
  const { name, file, directory } = await namedImage(stateDir, word)
  const image = { name, sha256: await digestFile(file) }
  const findings = await verifyImage({ image, directory, keys })
  const holds = findings.every(({ error }) => error === undefined)
  if (options.json === true) {
    const shown = findings.map(({ what, detail, error }) => ({
      what,
      held: error === undefined,
      detail,
      ...(error === undefined ? {} : { code: error.code, hint: error.hint }),
    }))
    print(JSON.stringify({ image: name, sha256: image.sha256, held: holds, findings: shown }, undefined, 2))
  } else {
    const width = Math.max(...findings.map(({ what }) => printableLine(what).length))
    print(...findings.map((finding) => line(finding, width)))
  }
  return holds ? 0 : 1
}

function line({ what, detail, error }: Finding, width: number): string {
  const name = printableLine(what).padEnd(width)
  if (error === undefined) return `ok      ${name}  ${printableLine(detail)}`
  const hint = error.hint === undefined ? '' : `\n        hint: ${error.hint}`
  return `FAILED  ${name}  ${printableLine(detail)} (${error.code})${hint}`
}

function print(...lines: readonly string[]): number {
  process.stdout.write(lines.map((text) => `${text}\n`).join(''))
  return 0
}
