import { chmod, chown, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { requireSafeStateDirectory } from '../../../../runtime/control/state-directory.ts'
import { ownDirectory } from './support.ts'

const own = process.getuid?.() ?? 0

describe('a state directory', () => {
  test('of our own, or one that does not exist yet, is good', async () => {
    const directory = await ownDirectory()
    await requireSafeStateDirectory(directory)
    await requireSafeStateDirectory(join(directory, 'later'))
  })

  test('that everybody may write in is refused, also behind a link', async () => {
    const directory = join(await ownDirectory(), 'open')
    await mkdir(directory)
    await chmod(directory, 0o1777)
    await symlink(directory, `${directory}-link`)
    for (const path of [directory, `${directory}-link`]) {
      await expect(requireSafeStateDirectory(path)).rejects.toMatchObject({ code: 'STATE_DIR_UNSAFE' })
    }
  })

  test('of another account is refused, root or not', async () => {
    const directory = await ownDirectory()
    // Only root can give a directory away; anybody can be another account than its own.
    if (own === 0) await chown(directory, 12_345, 12_345)
    await expect(requireSafeStateDirectory(directory, own === 0 ? 0 : own + 1)).rejects.toMatchObject({
      code: 'STATE_DIR_UNSAFE',
    })
  })
})
