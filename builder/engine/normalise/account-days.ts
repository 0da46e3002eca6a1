import { rewriteInTree } from './tree-files.ts'
import type { NormaliseRule } from './types.ts'

const SECONDS_A_DAY = 86_400
const PATHS = ['/etc/shadow', '/etc/shadow-']

/** The day of the last password change, which tools of the guest set to the day of the build (shadow(5), third field). */
export const accountDays: NormaliseRule = {
  name: 'account-days',
  paths: PATHS,
  does: 'say for no account that its password was changed after the source date',
  why: 'Tools that add accounts write the day of the build. Nothing is done without a source date.',
  async apply({ tree, sourceDate }) {
    if (sourceDate === undefined) return
    const latest = Math.floor(sourceDate / SECONDS_A_DAY)
    await rewriteInTree(tree, PATHS, (text) =>
      text.replace(/^([^:\n]*:[^:\n]*:)(\d+)(?=:)/gm, (all, before: string, day: string) =>
        Number(day) > latest ? `${before}${latest}` : all,
      ),
    )
  },
}
