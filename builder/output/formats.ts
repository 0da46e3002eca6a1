import { aci } from './formats/aci.ts'
import { docker } from './formats/docker.ts'
import { qcow2 } from './formats/qcow2.ts'
import { qemuImgFormat } from './formats/qemu-img.ts'
import { raw } from './formats/raw.ts'
import { squashfs } from './formats/squashfs.ts'
import { tar } from './formats/tar.ts'
import { tgz } from './formats/tgz.ts'
import { vhd } from './formats/vhd.ts'
import type { OutputFormat } from './types.ts'

/** All output formats with a name of their own, by the word after `-t`. */
export const outputFormats: ReadonlyMap<string, OutputFormat> = new Map(
  [
    qcow2,
    raw,
    tar,
    tgz,
    squashfs,
    docker,
    aci,
    vhd,
    ...['vhdx', 'vmdk', 'vdi', 'vpc', 'qed'].map(qemuImgFormat),
  ].map((format) => [format.name, format]),
)

/** The format for a word after `-t`. A word of no member is left to qemu-img, which may know it (DIB contract §5). */
export function formatOf(type: string): OutputFormat {
  return outputFormats.get(type) ?? qemuImgFormat(type)
}
