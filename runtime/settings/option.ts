import { DEFAULT_SECTION } from '../../lib/ini.ts'

/** How the text of a file becomes a value. */
export interface OptionType<T> {
  /** For the reference page. */
  readonly name: string
  /**
   * @returns undefined for a text that means "not set"
   * @throws Error whose message says what the value must be
   */
  readonly parse: (text: string) => T | undefined
  /** A method, so that an option of any type is an `Option<unknown>`. */
  print(value: T): string
}

/** Where else an option may stand, since it once had that name. */
export interface OlderSpelling {
  readonly section: string
  readonly name: string
}

/** One option of the configuration files. */
export interface Option<T> {
  readonly section: string
  readonly name: string
  readonly type: OptionType<T>
  readonly default: T
  readonly help: string
  /** What the reference shows as the default, when it depends on something. */
  readonly defaultText?: string
  readonly older?: readonly OlderSpelling[]
  /** Holds a password: its value is never shown. */
  readonly secret?: boolean
}

type Extras = Pick<Option<unknown>, 'defaultText' | 'older' | 'secret'> & { readonly section?: string }

/** An option, in [DEFAULT] unless `extras` says otherwise. */
export function option<T>(
  name: string,
  type: OptionType<T>,
  fallback: NoInfer<T>,
  help: string,
  extras: Extras = {},
): Option<T> {
  return { section: DEFAULT_SECTION, name, type, default: fallback, help, ...extras }
}

/** The same option under an earlier name in [DEFAULT]. */
export const older = (...names: readonly string[]): { readonly older: readonly OlderSpelling[] } => ({
  older: names.map((name) => ({ section: DEFAULT_SECTION, name })),
})
