import type { ImagePackage } from '../manifest.ts'

/** A package that is in both images in different versions. */
export interface ChangedPackage {
  readonly name: string
  readonly architecture: string
  readonly from: string
  readonly to: string
}

export interface PackageDifferences {
  readonly added: readonly ImagePackage[]
  readonly removed: readonly ImagePackage[]
  readonly changed: readonly ChangedPackage[]
}

/** What became of the packages of one image in another. Packages are told apart by name and architecture. */
export function comparePackages(
  from: readonly ImagePackage[],
  to: readonly ImagePackage[],
): PackageDifferences {
  const before = new Map(from.map((one) => [key(one), one]))
  const after = new Map(to.map((one) => [key(one), one]))
  return {
    added: to.filter((one) => !before.has(key(one))).map(plain),
    removed: from.filter((one) => !after.has(key(one))).map(plain),
    changed: from.flatMap((old) => {
      const now = after.get(key(old))
      if (now === undefined || now.version === old.version) return []
      return [{ name: old.name, architecture: old.architecture, from: old.version, to: now.version }]
    }),
  }
}

const key = ({ name, architecture }: ImagePackage): string => `${name}:${architecture}`
const plain = ({ name, version, architecture }: ImagePackage): ImagePackage => ({
  name,
  version,
  architecture,
})
