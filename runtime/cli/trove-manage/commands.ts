import type { ManageServices } from './services.ts'

/** One subcommand of trove-manage: data, so that help, parsing and the reference read the same thing. */
export interface ManageCommand {
  readonly name: string
  readonly summary: string
  /** Positional arguments in order. An empty string is a value (`datastore_update mysql ''`). */
  readonly positionals: readonly { readonly name: string; readonly help: string }[]
  /** Options that take a value. */
  readonly options?: readonly { readonly name: string; readonly help: string }[]
  /** @returns the lines to print */
  readonly run: (call: ManageCall, services: ManageServices) => Promise<readonly string[]>
}

export interface ManageCall {
  /** A positional argument by name. */
  readonly argument: (name: string) => string
  readonly option: (name: string) => string | undefined
}
