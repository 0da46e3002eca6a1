import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CofferError, isErrno } from '../../../lib/errors.ts'

/** Addresses that no two servers hold at a time: one file for each that is taken, holding its owner's id. */
export interface AddressPool {
  /** The owner's address: the one it has, or a free one. */
  readonly take: (owner: string) => Promise<string>
  readonly free: (owner: string) => Promise<void>
}

/** From the range set aside for documentation and benchmarks (RFC 2544): nothing answers there. */
const PREFIX = '198.18'
const HOSTS = 65_534

export async function openAddresses(directory: string): Promise<AddressPool> {
  await mkdir(directory, { recursive: true, mode: 0o700 })

  async function taken(): Promise<Map<string, string>> {
    const entries = await Promise.all(
      (await readdir(directory)).map(async (address) => {
        const owner = await readFile(join(directory, address), 'utf8').catch(() => '')
        return [address, owner] as const
      }),
    )
    return new Map(entries)
  }

  return {
    async take(owner) {
      const all = await taken()
      const held = [...all].find(([, holder]) => holder === owner)
      if (held !== undefined) return held[0]
      for (let host = 1; host <= HOSTS; host++) {
        const address = `${PREFIX}.${host >> 8}.${host & 255}`
        if (all.has(address)) continue
        try {
          await writeFile(join(directory, address), owner, { flag: 'wx', mode: 0o600 })
          return address
        } catch (error) {
          if (!isErrno(error, 'EEXIST')) throw error
        }
      }
      throw new CofferError('ADDRESSES_EXHAUSTED', 'No address is free', { retryable: true })
    },
    async free(owner) {
      for (const [address, holder] of await taken()) {
        if (holder === owner) await rm(join(directory, address), { force: true })
      }
    },
  }
}
