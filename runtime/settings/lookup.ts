import { CofferError } from '../../lib/errors.ts'
import { DEFAULT_SECTION, sectionName, substitute } from '../../lib/ini.ts'
import type { SettingsFile } from './files.ts'
import type { OlderSpelling, Option } from './option.ts'

/** Reads options out of configuration files. */
export interface Lookup {
  /** @throws CofferError SETTING_INVALID naming file, section and option */
  readonly value: <T>(option: Option<T>) => T
  /** The text of a key that no option describes. */
  readonly text: (section: string, name: string) => string | undefined
}

interface Found extends OlderSpelling {
  readonly file: string
  readonly text: string
}

/**
 * @param files later ones win
 * @param known options that `$name` in a value may stand for even when no file sets them
 */
export function lookupIn(files: readonly SettingsFile[], known: readonly Option<unknown>[]): Lookup {
  /** The latest file that has any of the spellings decides; in it, the newest spelling (oslo.config's rule). */
  const find = (spellings: readonly OlderSpelling[]): Found | undefined => {
    for (const { path, ini } of files.toReversed()) {
      for (const { section, name } of spellings) {
        const text = ini.get(sectionName(section))?.get(name)?.at(-1)
        if (text !== undefined) return { file: path, section, name, text }
      }
    }
    return undefined
  }

  /** A value with its references filled in; `trail` has the options on the way here. */
  const filled = (found: Found, trail: readonly string[]): string =>
    substitute(found.text, (name, section = found.section) => {
      const here = sectionName(section)
      const id = `${here}.${name}`
      if (trail.includes(id)) {
        throw invalid(found, `it refers to itself by way of $${name}`)
      }
      const option = known.find((entry) => entry.section === here && entry.name === name)
      const target = find(option === undefined ? [{ section: here, name }] : spellingsOf(option))
      if (target !== undefined) return filled(target, [...trail, id])
      return option === undefined ? undefined : option.type.print(option.default)
    })

  const resolve = (found: Found) => filled(found, [`${sectionName(found.section)}.${found.name}`])

  return {
    value: (option) => {
      const found = find(spellingsOf(option))
      if (found === undefined) return option.default
      const text = resolve(found)
      try {
        return option.type.parse(text) ?? option.default
      } catch (error) {
        throw invalid(found, error instanceof Error ? error.message : String(error), option)
      }
    },
    text: (section, name) => {
      const found = find([{ section, name }])
      return found === undefined ? undefined : resolve(found)
    },
  }
}

function spellingsOf(option: Option<unknown>): readonly OlderSpelling[] {
  return [option, ...(option.older ?? [])]
}

function invalid(
  { file, section, name, text }: Found,
  reason: string,
  option?: Option<unknown>,
): CofferError {
  const shown = option?.secret === true ? '' : ` is '${text}', but`
  return new CofferError(
    'SETTING_INVALID',
    `${file}: option ${name} in [${section === '' ? DEFAULT_SECTION : section}]${shown} ${reason}`,
    { hint: 'docs/reference/settings.md has the type and the meaning of each option.' },
  )
}
