import type { Bytes } from '../bytes.ts'
import { broken, unsupported } from '../errors.ts'
import { decodeName } from '../name.ts'
import { parseTarHeader, TAR_BLOCK, type TarHeader } from './header.ts'

/** A member of an archive, with what its extended headers say. */
export interface TarMember extends TarHeader {
  /** Where its bytes are in the archive. */
  readonly offset: number
  readonly attributes: ReadonlyMap<string, Buffer>
}

/** Records of an extended header by name. */
type Records = ReadonlyMap<string, Buffer>

/** What JavaScript's dates reach. */
const MAX_SECONDS = 8.64e12
const MAX_HEADER = 8 * 1024 ** 2
const ATTRIBUTE = 'SCHILY.xattr.'

/** The members of an archive in its order: ustar, pax and GNU's long names. @throws CofferError IMAGE_CONTENT_BROKEN */
export function* tarMembers(archive: Bytes): Generator<TarMember> {
  let global: Records = new Map()
  let own: Records = new Map()
  for (let at = 0; at + TAR_BLOCK <= archive.size; ) {
    const header = parseTarHeader(archive.read(at, TAR_BLOCK))
    if (header === undefined) return
    const offset = at + TAR_BLOCK
    if ('xgLK'.includes(header.flag)) {
      if (header.size > MAX_HEADER) throw broken('tar', 'an extended header is too large')
      const body = archive.read(offset, header.size)
      if (header.flag === 'g') global = new Map([...global, ...paxRecords(body)])
      if (header.flag === 'x') own = new Map([...own, ...paxRecords(body)])
      if (header.flag === 'L') own = new Map([...own, ['path', withoutNul(body)]])
      if (header.flag === 'K') own = new Map([...own, ['linkpath', withoutNul(body)]])
      at = offset + blocks(header.size)
      continue
    }
    const member = extended(header, new Map([...global, ...own]), offset)
    if (member.size < 0 || offset + member.size > archive.size) throw broken('tar', 'it ends within a member')
    yield member
    own = new Map()
    at = offset + blocks(member.size)
  }
}

function extended(header: TarHeader, records: Records, offset: number): TarMember {
  const text = (name: string, otherwise: string) => {
    const value = records.get(name)
    return value === undefined ? otherwise : decodeName(value)
  }
  const count = (name: string, otherwise: number) => {
    const value = Number(records.get(name)?.toString('latin1') ?? otherwise)
    return Number.isFinite(value) ? Math.floor(value) : otherwise
  }
  if ([...records.keys()].some((name) => name.startsWith('GNU.sparse.'))) {
    throw unsupported(`the archive's member ${header.name} is a sparse file`)
  }
  const attributes = [...records].filter(([name]) => name.startsWith(ATTRIBUTE))
  return {
    ...header,
    name: text('path', header.name),
    link: text('linkpath', header.link),
    size: count('size', header.size),
    uid: count('uid', header.uid),
    gid: count('gid', header.gid),
    modified: Math.max(-MAX_SECONDS, Math.min(MAX_SECONDS, count('mtime', header.modified))),
    offset,
    attributes: new Map(attributes.map(([name, value]) => [name.slice(ATTRIBUTE.length), value])),
  }
}

/** `LENGTH NAME=VALUE\n`, where the length counts all of it; a value may hold any bytes. */
function paxRecords(body: Buffer): Records {
  const records = new Map<string, Buffer>()
  for (let at = 0; at < body.length; ) {
    const [, digits = ''] = /^(\d{1,8}) /.exec(body.toString('latin1', at, at + 10)) ?? []
    const end = at + Number(digits)
    const equals = body.indexOf('=', at)
    if (digits === '' || end > body.length || equals < 0 || equals >= end || body[end - 1] !== 0x0a) {
      throw broken('tar', 'an extended header is damaged')
    }
    records.set(body.toString('utf8', at + digits.length + 1, equals), body.subarray(equals + 1, end - 1))
    at = end
  }
  return records
}

function withoutNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

const blocks = (size: number): number => Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
