import { CofferError } from '../../lib/errors.ts'

/** A package inside an image, as dpkg knows it. */
export interface ImagePackage {
  readonly name: string
  readonly version: string
  readonly architecture: string
}

/** What is known of an image's content, told by whoever built it. */
export interface ImageContent {
  /** Elements in the order that their hooks ran. */
  readonly elements?: readonly string[]
  readonly packages?: readonly ImagePackage[]
  /** Version of the guest agent inside; absent when there is none. */
  readonly agentVersion?: string
  readonly architecture?: string
  /** Name of the datastore that the image runs. */
  readonly datastore?: string
}

/** `manifest.json` beside an image in the store. */
export interface ImageManifest extends ImageContent {
  /** UUID made from the digest: the same bytes have the same id everywhere. */
  readonly id: string
  readonly name: string
  readonly format: ImageFormat
  readonly sha256: string
  /** Bytes of the file. */
  readonly size: number
  /** Bytes of the disk that a guest sees. */
  readonly virtualSize: number
  /** ISO 8601, UTC. */
  readonly created: string
}

/** Formats that guests run from. Others are converted before they are registered. */
export type ImageFormat = 'qcow2' | 'raw'

/**
 * An image's id: the first 128 bits of its SHA-256 in the form of a UUID, version 8 (RFC 9562: made by the application's
 * own rule), since `datastore_versions.image_id` and Glance hold UUIDs.
 */
export function imageId(digest: string): string {
  const hex = digest.slice(0, 32).split('')
  hex[12] = '8'
  hex[16] = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16)
  const text = hex.join('')
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join(
    '-',
  )
}

/**
 * Reads a manifest's text.
 *
 * @throws CofferError IMAGE_MANIFEST_BROKEN when it is not a manifest of the image that `id` names
 */
export function parseManifest(text: string, id: string): ImageManifest {
  try {
    const manifest = JSON.parse(text) as ImageManifest
    const whole =
      manifest.id === id &&
      /^[0-9a-f]{64}$/.test(manifest.sha256) &&
      imageId(manifest.sha256) === id &&
      (manifest.format === 'qcow2' || manifest.format === 'raw') &&
      Number.isSafeInteger(manifest.size)
    if (whole) return manifest
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CofferError('IMAGE_MANIFEST_BROKEN', `The manifest of the image ${id} cannot be understood`, {
    hint: 'Delete the image and register it again from the file it came from.',
  })
}
