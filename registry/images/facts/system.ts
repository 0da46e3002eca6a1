import type { FileNode } from '../content/node.ts'
import { findPath } from '../content/resolve.ts'
import { shellFile } from './shell-file.ts'

/** What os-release(5) says. */
export interface OperatingSystem {
  readonly name: string
  readonly id: string
  readonly version?: string
  readonly codename?: string
}

export interface Kernel {
  /** As `uname -r` prints it. */
  readonly release: string
  /** Path of the kernel's image; absent when only its modules are there. */
  readonly image?: string
  /** Path of its initial RAM file system. */
  readonly initrd?: string
  readonly modules: boolean
}

/** What `/usr/lib/coffer/datastore` says of the engine in an image. */
export interface EngineFacts {
  readonly datastore: string
  readonly unit?: string
  readonly port?: number
  readonly data?: string
}

/** The operating system, or undefined when nothing tells. */
export function operatingSystem(root: FileNode): OperatingSystem | undefined {
  const facts = shellFile(root, '/etc/os-release') ?? shellFile(root, '/usr/lib/os-release')
  const id = facts?.get('ID')
  if (facts === undefined || id === undefined) return undefined
  const [version, codename] = [facts.get('VERSION_ID'), facts.get('VERSION_CODENAME')]
  return {
    name: facts.get('PRETTY_NAME') ?? facts.get('NAME') ?? id,
    id,
    ...(version === undefined ? {} : { version }),
    ...(codename === undefined ? {} : { codename }),
  }
}

/** Kernels by release: images in `/boot`, and directories of modules. */
export function kernels(root: FileNode): readonly Kernel[] {
  const boot = namesIn(root, '/boot')
  const modules = new Set(namesIn(root, '/usr/lib/modules'))
  const images = boot.flatMap((name) => /^vmlinu[xz]-(.+)$/.exec(name)?.[1] ?? [])
  return [...new Set([...images, ...modules])].toSorted().map((release) => {
    const image = boot.find((name) => name === `vmlinuz-${release}` || name === `vmlinux-${release}`)
    const initrd = boot.find(
      (name) => name === `initrd.img-${release}` || name === `initramfs-${release}.img`,
    )
    return {
      release,
      ...(image === undefined ? {} : { image: `/boot/${image}` }),
      ...(initrd === undefined ? {} : { initrd: `/boot/${initrd}` }),
      modules: modules.has(release),
    }
  })
}

/** The engine that the image's own description names. */
export function engineFacts(root: FileNode): EngineFacts | undefined {
  const facts = shellFile(root, '/usr/lib/coffer/datastore')
  const datastore = facts?.get('NAME')
  if (facts === undefined || datastore === undefined) return undefined
  const [unit, port, data] = [facts.get('UNIT'), Number(facts.get('PORT')), facts.get('DATA')]
  return {
    datastore,
    ...(unit === undefined ? {} : { unit }),
    ...(Number.isInteger(port) ? { port } : {}),
    ...(data === undefined ? {} : { data }),
  }
}

function namesIn(root: FileNode, path: string): readonly string[] {
  return findPath(root, path, { follow: true })?.node.names() ?? []
}
