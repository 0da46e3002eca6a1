import type { Arguments, OptionSpec, PositionalSpec } from '../arguments/types.ts'
import type { Service } from '../service/types.ts'
import type { Waiting } from '../wait/types.ts'

/** What a command has to work with. */
export interface Context {
  readonly service: Service
  readonly print: Printer
  readonly wait: Waiting
  /** Asks for nothing and says something on the error stream: progress, and what went wrong with one of several objects. */
  readonly notice: (line: string) => void
}

/** Where results go: tables, or JSON with `--json`. */
export interface Printer {
  /** Several objects: one row each. With `--json` the objects as they are. */
  readonly list: (objects: readonly JsonObject[], columns: readonly Column[], order?: Order) => void
  /** One object: one row for each property, sorted by name. With `--json` the same properties. */
  readonly properties: (properties: JsonObject) => void
  /** An object whose JSON form differs from its table. */
  readonly object: (properties: JsonObject, whole: JsonObject) => void
  readonly line: (text: string) => void
}

/** A column: its title, and where an object keeps the value (default: the title in lower case, blanks as `_`). */
export interface Column {
  readonly title: string
  readonly value?: (object: JsonObject) => Json
}

/** How the rows are ordered: by a value, or `'as given'`. Default: by the first column. */
export type Order = 'as given' | ((object: JsonObject) => Json)

/** JSON; integers that a double cannot hold are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** The chapters of the help and of the reference page. */
export type CommandGroup =
  | 'Instances'
  | 'Databases and users'
  | 'Datastores'
  | 'Flavors'
  | 'Backups'
  | 'Configuration groups'
  | 'Replication'
  | 'Resizing'
  | 'Clusters'
  | 'Logs'
  | 'Limits and quotas'
  | 'Security groups'
  | 'Metadata'

/** One subcommand: everything that parsing, help, the reference page and completion know of it, and what it does. */
export interface Command {
  readonly name: string
  /** Older names of the same command. */
  readonly aliases?: readonly string[]
  readonly group: CommandGroup
  /** One sentence. */
  readonly help: string
  readonly positionals?: readonly PositionalSpec[]
  readonly options?: readonly OptionSpec[]
  readonly run: (context: Context, args: Arguments) => Promise<void>
}
