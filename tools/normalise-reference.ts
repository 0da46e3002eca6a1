// Writes docs/reference/normalise.md: what builds do so that the same inputs give the same image.
import { readFileSync, writeFileSync } from 'node:fs'
import { globSync } from 'glob'
import { normaliseRules } from '../builder/engine/normalise/rules.ts'
import {
  knownUnreproducible,
  parseUnreproducible,
  UNREPRODUCIBLE_FILE,
} from '../builder/engine/unreproducible.ts'
import { inlineCode, markdownTable } from './markdown.ts'

const root = new URL('..', import.meta.url).pathname

/** Where the page stands in the repository. */
export const NORMALISE_PAGE = new URL('../docs/reference/normalise.md', import.meta.url)

/** The page: rules for the tree, what is done while outputs are written, and what stays different. */
export function normalisePage(): string {
  return `<!-- Made by tools/normalise-reference.ts from builder/engine/normalise/ and the elements. Change those, then run make docs. -->
# What is made the same in each build

The same inputs give the same image, bit by bit: see [the guide](../guide/build-images.md#the-same-image-again) and
[ADR 14](../adr/0014-reproducible-images.md). The *source date* is \`SOURCE_DATE_EPOCH\`, else that of a lock, else for build-image the
newest date of the package archives. disk-image-create without the first two has none.

## In the tree

After \`cleanup.d\`, whether a source date is set or not. No rule follows a link.

${markdownTable(
  ['Rule', 'Files', 'They', 'Why'],
  normaliseRules.map(({ name, paths, does, why }) => [
    inlineCode(name),
    paths.map(inlineCode).join(' '),
    does,
    why,
  ]),
)}

As in DIB, \`/tmp\` is emptied, the files below \`/var/log\` are truncated, and \`*.log\` below \`/root\` is deleted before that.

## In the environment of scripts

${markdownTable(
  ['What', 'Why'],
  [
    [
      '`TZ=UTC`, `LC_ALL=C`; no `LANG`, `LANGUAGE` and other `LC_*`',
      'Package scripts write dates and words into files.',
    ],
    [
      'umask 022',
      "Files of the image are no matter of the builder's habits. What lies beside the image gets the caller's umask.",
    ],
    ['`SOURCE_DATE_EPOCH`, where the caller set it', "Many programs write it instead of the clock's time."],
    [
      'all files of hooks are dated 2 January 1980',
      'Scripts copy files of elements, which are dated when somebody checked them out.',
    ],
  ],
)}

## While outputs are written

With a source date:

${markdownTable(
  ['Output', 'What'],
  [
    [
      'ext2, ext3, ext4',
      "The tree is read in byte order of its names, from a copy on a tmpfs. No time is later than the source date, and an inode's other times are that of its last change. Superblock, journal and lost+found say the source date.",
    ],
    ['vfat', 'The same copy; the label is dated 2015, what the boot loader adds has the source date.'],
    ['tar, tgz, docker, aci', 'No member is dated later than the source date.'],
    ['squashfs', 'The same; zeros are zeros whether they were holes or not.'],
  ],
)}

In any case: UUIDs, GUIDs, the disk id and the serial number of vfat are made from the image's name, its elements, layout and
options; the size of the image is computed from the files, not asked of the file system; clusters of qcow2 images are in
the order of the disk.

## What may still differ

A build with a source date ends with a line \`Not reproducible: PATH REASON\` for each of these that is in the image.

${markdownTable(
  ['Known from', 'Path', 'It'],
  [...knownUnreproducible.map(({ path, reason }) => ['(any)', inlineCode(path), reason]), ...declared()],
)}

- A disk that is written through loop devices: the kernel decides what goes where.
- A tree that does not fit into memory a second time: its order is then the machine's.
- vmdk, vdi, vhdx, vpc and vhd hold ids or times that qemu-img draws anew; the build names them as well.
- Files with several extended attributes: archives list them in the order of the build's file system.
- Other versions of the programs that write the image (e2fsprogs, dosfstools, mtools, GRUB, qemu-img, zstd, squashfs-tools).
`
}

/** What the elements of the repository declare. */
function declared(): string[][] {
  return globSync(`{elements,builder/elements}/*/${UNREPRODUCIBLE_FILE}`, { cwd: root })
    .sort()
    .flatMap((file) => {
      const element = file.split('/').at(-2) ?? ''
      return parseUnreproducible(readFileSync(`${root}${file}`, 'utf8'), element).map(({ path, reason }) => [
        element,
        inlineCode(path),
        reason,
      ])
    })
}

if (import.meta.main) writeFileSync(NORMALISE_PAGE, normalisePage())
