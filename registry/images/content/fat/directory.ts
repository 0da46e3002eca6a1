/** An entry of a FAT directory. */
export interface FatEntry {
  readonly name: string
  readonly directory: boolean
  readonly cluster: number
  readonly size: number
  /** Seconds since 1970; FAT keeps local time, which is taken for UTC. */
  readonly modified: number
  /** Place in the directory. */
  readonly index: number
}

const ENTRY = 32
const ATTRIBUTE_LABEL = 0x08
const ATTRIBUTE_DIRECTORY = 0x10
const ATTRIBUTE_LONG_NAME = 0x0f

/** Entries of a directory (Microsoft's FAT specification, 6 and 7), without `.` and `..`. */
export function fatEntries(bytes: Buffer): readonly FatEntry[] {
  const entries: FatEntry[] = []
  let long = ''
  for (let at = 0; at + ENTRY <= bytes.length; at += ENTRY) {
    const entry = bytes.subarray(at, at + ENTRY)
    const first = entry.readUInt8(0)
    if (first === 0) break
    const attributes = entry.readUInt8(11)
    if (first !== 0xe5 && (attributes & 0x3f) === ATTRIBUTE_LONG_NAME) {
      // Parts come last first; the last has bit 6 set.
      long = longPart(entry) + ((first & 0x40) === 0 ? long : '')
      continue
    }
    const name = long === '' ? shortName(entry) : long
    long = ''
    if (first === 0xe5 || (attributes & ATTRIBUTE_LABEL) !== 0) continue
    // A separator in a name would make it a path.
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) continue
    entries.push({
      name,
      directory: (attributes & ATTRIBUTE_DIRECTORY) !== 0,
      cluster: entry.readUInt16LE(20) * 65_536 + entry.readUInt16LE(26),
      size: entry.readUInt32LE(28),
      modified: seconds(entry.readUInt16LE(24), entry.readUInt16LE(22)),
      index: at / ENTRY,
    })
  }
  return entries
}

function longPart(entry: Buffer): string {
  const text = [entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)]
  return Buffer.concat(text).toString('utf16le').replace(/\0.*$/s, '')
}

/** Eight characters and three; Windows' flags say which half was written in small letters. */
function shortName(entry: Buffer): string {
  const flags = entry.readUInt8(12)
  const half = (from: number, to: number, small: boolean) => {
    const text = entry.toString('latin1', from, to).trimEnd()
    return small ? text.toLowerCase() : text
  }
  const base = half(0, 8, (flags & 0x08) !== 0).replace(/^\x05/, '\xe5')
  const suffix = half(8, 11, (flags & 0x10) !== 0)
  return suffix === '' ? base : `${base}.${suffix}`
}

function seconds(date: number, time: number): number {
  const [year, month, day] = [1980 + (date >> 9), (date >> 5) & 15, date & 31]
  return Date.UTC(year, month - 1, day, time >> 11, (time >> 5) & 63, (time & 31) * 2) / 1000
}
