import { mkdir, open, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CofferError } from '../../../../lib/errors.ts'
import { type RunResult, run } from '../../../../lib/exec.ts'
import type { Bytes } from '../../../../registry/images/content/bytes.ts'

const ENV = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' }
const MEBIBYTE = 1024 ** 2

/** Files by path; a directory ends with a slash. */
export type Files = Readonly<Record<string, string | Buffer>>

/** Writes files below a directory. */
export async function writeFiles(directory: string, files: Files): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(directory, path.endsWith('/') ? path : dirname(path)), { recursive: true })
    if (!path.endsWith('/')) await writeFile(join(directory, path), content)
  }
  return directory
}

export interface ExtOptions {
  /** Default 16. */
  readonly mebibytes?: number
  /** More words for mke2fs. */
  readonly words?: readonly string[]
  /** Commands for debugfs afterwards: what needs no root in there. */
  readonly debugfs?: readonly string[]
  /** Bytes into the file where the file system begins, and how many it has. Default: the whole file. */
  readonly place?: { readonly offset: number; readonly bytes: number }
}

/** An ext4 file system with the content of a directory, made by the real mke2fs. */
export async function extImage(image: string, directory: string, options: ExtOptions = {}): Promise<string> {
  const { mebibytes = 16, words = [], debugfs = [], place } = options
  if (place === undefined) await emptyFile(image, mebibytes * MEBIBYTE)
  const extended = place === undefined ? [] : ['-E', `offset=${place.offset}`]
  const size = place === undefined ? [] : [`${place.bytes / 1024}k`]
  const type = words.includes('-t') ? [] : ['-t', 'ext4']
  await run(['mke2fs', '-q', '-F', ...type, ...words, ...extended, '-d', directory, image, ...size], {
    env: ENV,
  })
  const target = place === undefined ? image : `${image}?offset=${place.offset}`
  if (debugfs.length > 0) {
    const { stderr } = await run(['debugfs', '-w', '-f', '-', target], {
      env: ENV,
      input: `${debugfs.join('\n')}\n`,
    })
    // It ends with status 0 whatever happened.
    if (/(: |^)(?!debugfs )\S.*(not found|Usage|error|invalid)/im.test(stderr)) throw new Error(stderr)
  }
  return image
}

/** A file of zeros that takes no space. */
export async function emptyFile(path: string, bytes: number): Promise<string> {
  await rm(path, { force: true })
  await writeFile(path, '')
  await truncate(path, bytes)
  return path
}

/** Partitions a disk with sfdisk's own language. */
export async function partition(disk: string, script: string): Promise<void> {
  await run(['sfdisk', '--quiet', disk], { env: ENV, input: script })
}

/** Copies bytes into a file at a place. */
export async function writeAt(path: string, bytes: Buffer, offset: number): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.write(bytes, 0, bytes.length, offset)
  } finally {
    await file.close()
  }
}

/** Runs a program of this machine with a plain environment. */
export const tool = (...words: [string, ...string[]]): Promise<RunResult> => run(words, { env: ENV })

/** Bytes that are not in a file, for changing some of them. */
export function inMemory(buffer: Buffer): Bytes {
  return {
    size: buffer.length,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > buffer.length)
        throw new CofferError('TEST', 'outside')
      return buffer.subarray(offset, offset + length)
    },
  }
}
