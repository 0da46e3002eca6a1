import { link, mkdir, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../../lib/errors.ts'

/** Who has a slot. */
export interface SlotHolder {
  readonly id: string
  readonly name: string
  readonly instanceId: string
}

/** A slot: a small number that no two servers have at once. Addresses, user ids and hardware addresses follow from it. */
export interface Slot extends SlotHolder {
  readonly slot: number
}

/**
 * Which numbers are taken, one file each, so that a number is taken in one step that no crash can halve and two
 * processes cannot both do.
 */
export interface Slots {
  /**
   * The holder's slot, taken now if it has none.
   * @throws CofferError `ADDRESSES_EXHAUSTED`
   */
  readonly claim: (holder: SlotHolder) => Promise<number>
  readonly free: (id: string) => Promise<void>
  readonly list: () => Promise<readonly Slot[]>
}

/**
 * @param first the lowest slot, @param end the one after the highest
 */
export function openSlots(directory: string, first: number, end: number): Slots {
  const file = (slot: number) => join(directory, String(slot))
  const list = async () => {
    const names = (await readdir(directory).catch(emptyIfMissing)).filter((name) => /^\d+$/.test(name))
    const slots = await Promise.all(
      names.map(async (name) => {
        const text = await readFile(join(directory, name), 'utf8').catch(() => undefined)
        const holder = text === undefined ? undefined : holderOf(text)
        return holder === undefined ? [] : [{ ...holder, slot: Number(name) }]
      }),
    )
    return slots.flat().sort((a, b) => a.slot - b.slot)
  }
  return {
    list,
    async claim({ id, name, instanceId }) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const taken = await list()
      const own = taken.find((slot) => slot.id === id)
      if (own !== undefined) return own.slot
      const numbers = new Set(taken.map(({ slot }) => slot))
      const draft = join(directory, `draft-${id}`)
      // Written whole under another name first, and on the disk before it counts: a slot file is never empty.
      await writeFile(draft, JSON.stringify({ id, name, instanceId }), { mode: 0o600, flush: true })
      try {
        for (let slot = first; slot < end; slot++) {
          if (numbers.has(slot)) continue
          try {
            await link(draft, file(slot))
            return slot
          } catch (error) {
            if (!isErrno(error, 'EEXIST')) throw error
          }
        }
      } finally {
        await unlink(draft)
      }
      throw new CofferError('ADDRESSES_EXHAUSTED', 'Every address of the guests’ range is taken', {
        hint: 'Delete servers, or give option guest_range a larger range.',
      })
    },
    async free(id) {
      for (const slot of await list()) {
        if (slot.id === id) await unlink(file(slot.slot)).catch(fineIfMissing)
      }
    },
  }
}

/** A file that somebody damaged keeps its number taken, and the others in use. */
function holderOf(text: string): SlotHolder | undefined {
  try {
    return JSON.parse(text) as SlotHolder
  } catch {
    return undefined
  }
}

function emptyIfMissing(error: unknown): string[] {
  if (isErrno(error, 'ENOENT')) return []
  throw error
}

function fineIfMissing(error: unknown): void {
  if (!isErrno(error, 'ENOENT')) throw error
}
