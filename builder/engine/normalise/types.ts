import type { HookFile } from '../../../phases/hooks.ts'
import type { BuildRequest } from '../../request/request.ts'

/** What a rule may look at. */
export interface NormaliseContext {
  /** The finished tree, on the host. */
  readonly tree: string
  readonly request: BuildRequest
  readonly hooks: readonly HookFile[]
  /** Seconds since 1970; undefined when times are left as they are. */
  readonly sourceDate: number | undefined
}

/** One thing that two builds would write differently, and what is done about it. The table is the documentation too. */
export interface NormaliseRule {
  readonly name: string
  /** Absolute paths in the image; `*` stands for any characters of one name. */
  readonly paths: readonly string[]
  /** What becomes of the files: the end of a sentence that they begin. */
  readonly does: string
  /** Why they differ, and why nothing is lost. */
  readonly why: string
  /** MUST change nothing outside `paths`, MUST follow no link, and MUST do nothing when done again. */
  readonly apply: (context: NormaliseContext) => Promise<void>
}
