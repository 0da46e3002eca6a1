import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CofferError, isErrno } from '../../lib/errors.ts'
import { digestFile } from '../../lib/hash.ts'
import { type FileKind, fileKind, KIND_HEAD_BYTES } from './package-kind.ts'
import type { PackageSource } from './package-source.ts'
import type { Vendor } from './vendor.ts'

/** Checks the local files that a source names: the package, or the repository's key. URLs are left for the download. */
export async function checkSourceFiles(vendor: Vendor, source: PackageSource, cwd: string): Promise<void> {
  if (source.from === 'package') {
    if (source.location.kind === 'file') {
      await checkPackageFile(vendor, resolve(cwd, source.location.path), source.location.sha256)
    }
    return
  }
  const { key } = source.repository
  if (key.kind !== 'file') return
  const path = resolve(cwd, key.path)
  const head = await readHead(path)
  if (!isKeyFile(head)) {
    throw new CofferError('APT_KEY_INVALID', `${path} is not an OpenPGP public key`, {
      hint: 'Give the key file that the vendor publishes for its apt repository, armoured or binary.',
    })
  }
}

/**
 * Checks that a file is a package of a kind the vendor's element can install, and that its checksum is the one given.
 *
 * @param shown what messages call the file, e.g. the URL it came from.
 * @throws CofferError `PACKAGE_FILE_UNREADABLE`, `PACKAGE_KIND_WRONG`, `PACKAGE_CHECKSUM_MISMATCH`.
 */
export async function checkPackageFile(
  vendor: Vendor,
  path: string,
  sha256: string | undefined,
  shown: string = path,
): Promise<FileKind> {
  const kind = fileKind(await readHead(path))
  if (!vendor.formats.some((format) => format === kind)) {
    const wanted = vendor.formats.map((format) => kindNames[format]).join(' or ')
    throw new CofferError(
      'PACKAGE_KIND_WRONG',
      `${shown} is ${kindNames[kind]}, but ${vendor.title} is installed from ${wanted}`,
      {
        hint:
          kind === 'web page'
            ? 'The download may want a login: fetch the package with a browser and give its path.'
            : `Get it from ${vendor.downloadPage}.`,
      },
    )
  }
  if (sha256 !== undefined) await checkDigest(path, sha256, shown)
  return kind
}

/** @throws CofferError `PACKAGE_CHECKSUM_MISMATCH` */
export async function checkDigest(path: string, sha256: string, shown: string = path): Promise<void> {
  const found = await digestFile(path)
  if (found === sha256) return
  throw new CofferError(
    'PACKAGE_CHECKSUM_MISMATCH',
    `${shown} has the sha256 ${found}, expected ${sha256}: nothing was installed`,
    {
      hint: 'Compare the checksum with the one the vendor publishes; the file may be damaged or another version.',
    },
  )
}

const kindNames: Readonly<Record<FileKind, string>> = {
  deb: 'a Debian package',
  tar: 'a tar archive',
  rpm: 'an RPM package',
  zip: 'a zip archive',
  'web page': 'a web page',
  empty: 'empty',
  unknown: 'of an unknown kind',
}

async function readHead(path: string): Promise<Uint8Array> {
  const unreadable = (why: string) =>
    new CofferError('PACKAGE_FILE_UNREADABLE', `${path}: ${why}`, {
      hint: 'Give the path of a file that exists and that this user can read.',
    })
  try {
    if (!(await stat(path)).isFile()) throw unreadable('it is not a file')
    const file = await open(path, 'r')
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(KIND_HEAD_BYTES), 0, KIND_HEAD_BYTES, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw unreadable('there is no such file')
    if (isErrno(error)) throw unreadable(error.message)
    throw error
  }
}

/** An armoured key block, or the first octet of a binary public-key packet (RFC 9580 §4.2: old and new form, tag 6). */
export function isKeyFile(head: Uint8Array): boolean {
  if (head.length === 0) return false
  return (
    Buffer.from(head).toString('latin1').includes('-----BEGIN PGP PUBLIC KEY BLOCK-----') ||
    [0x98, 0x99, 0x9a, 0xc6].includes(head[0] ?? 0)
  )
}
