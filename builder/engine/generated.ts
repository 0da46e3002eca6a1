import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress, createZstdDecompress } from 'node:zlib'
import { run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { removeTree } from '../../lib/tree.ts'
import { contentName } from '../lock/generated.ts'
import { runOptions, tarCommand } from '../output/formats/tar.ts'
import type { Build } from './build.ts'
import { matchInTree } from './normalise/tree-match.ts'
import { declaredUnreproducible } from './unreproducible.ts'

/**
 * What a lock keeps: paths whose content no build makes twice, and that elements declare so (`lock` in the file
 * `unreproducible`), as far as they are in the tree.
 */
async function keptPaths({ job }: Build): Promise<string[]> {
  const declared = (await declaredUnreproducible(job.elements)).filter(({ lock }) => lock)
  const found = await Promise.all(declared.map(({ path }) => matchInTree(job.directories.mount, path)))
  return [...new Set(found.flat())]
}

/** Puts the lock's contents into the tree, in place of what the scripts of this build have made there. */
export async function putGenerated(build: Build): Promise<ReadonlySet<string>> {
  const { put, stale } = build.job.generated
  const done = new Set<string>()
  for (const path of await keptPaths(build)) {
    const archive = put[path]
    if (archive !== undefined) {
      await unpack(build, path, archive)
      build.print(`${path} is what the lock keeps`)
      done.add(path)
    } else if (stale.includes(path)) {
      build.log.warn(
        `The lock's ${path} is of other elements, packages of -p or variables: this build keeps its own. A new --lock takes it in.`,
      )
    }
  }
  return done
}

/** Hands out for the lock what is to be the same in builds from it. After all else has been done to the tree. */
export async function keepGenerated(build: Build): Promise<ReadonlySet<string>> {
  const { keepIn, madeFrom } = build.job.generated
  if (keepIn === undefined) return new Set()
  const paths = await keptPaths(build)
  for (const path of paths) {
    const { file, sha256, size } = await pack(build, path, keepIn)
    build.emit({ event: 'generated', path, file, sha256, size, madeFrom })
  }
  return new Set(paths)
}

async function pack(build: Build, path: string, directory: string) {
  const { mount, build: place } = build.job.directories
  const [plain, packed] = [join(place, 'generated.tar'), join(directory, 'generated.new')]
  const job = { tree: join(mount, dirname(path)), target: plain, sourceDate: build.sourceDate }
  await run(tarCommand(job, [], `./${basename(path)}`), optionsOf(build))
  await pipeline(createReadStream(plain), createZstdCompress(), createWriteStream(packed))
  await rm(plain)
  const sha256 = await digestFile(packed)
  const file = join(directory, contentName(sha256))
  await rename(packed, file)
  return { file, sha256, size: (await stat(file)).size }
}

async function unpack(build: Build, path: string, archive: string): Promise<void> {
  const { mount, build: place } = build.job.directories
  const [plain, parent] = [join(place, 'generated.tar'), join(mount, dirname(path))]
  await pipeline(createReadStream(archive), createZstdDecompress(), createWriteStream(plain))
  await removeTree(join(mount, path))
  const options = ['--force-local', '--numeric-owner', '--same-owner', '--preserve-permissions']
  await run(
    [
      ...(['tar', ...options, '--xattrs', '--xattrs-include=*'] as const),
      ...['-C', parent, '-xf', plain, `./${basename(path)}`],
    ],
    optionsOf(build),
  )
  await rm(plain)
}

const optionsOf = ({ env, sourceDate }: Build) => runOptions({ env, sourceDate })
