import type { Environment } from '../../lib/exec.ts'
import { sha256 } from '../../lib/hash.ts'
import type { HookFile } from '../../phases/hooks.ts'
import type { ResolvedElement } from '../../phases/resolve.ts'
import { effectiveEnvironment, isReadme } from '../../phases/step-ids.ts'
import { lockedContent } from '../lock/generated.ts'
import type { Lock } from '../lock/lock.ts'
import type { BuildRequest } from '../request/request.ts'
import { knownVariables } from './normalise/build-manifests.ts'
import type { ScriptFacts } from './script-facts.ts'
import { declaredUnreproducible } from './unreproducible.ts'

/** What a build does with content that no build makes twice. Plain data. */
export interface GeneratedPlan {
  /** What the content is made from, as far as a lock does not say it already. */
  readonly madeFrom: string
  /** Archives of the lock, by the path in the image that they belong to. */
  readonly put: Readonly<Record<string, string>>
  /** Paths whose content in the lock was made from something else: putting it would undo what this build's scripts do. */
  readonly stale: readonly string[]
  /** Whether an element declares anything that a lock keeps. */
  readonly declared: boolean
}

/** A lock has decided already what these would change. */
const LOCKED = /^(SOURCE_DATE_EPOCH|DIB_\w*MIRROR\w*)$/

/**
 * Looks at what a lock keeps, before the build begins.
 *
 * @throws CofferError `LOCK_CONTENT_MISSING`, `LOCK_CONTENT_DAMAGED`
 */
export async function planGenerated(inputs: {
  readonly request: BuildRequest
  readonly elements: readonly ResolvedElement[]
  readonly hooks: readonly HookFile[]
  readonly facts: ScriptFacts
  readonly lock: Lock | undefined
}): Promise<GeneratedPlan> {
  const { request, elements, hooks, facts, lock } = inputs
  const madeFrom = sha256(
    JSON.stringify([
      'coffer generated 1',
      request.arch,
      elements.map(({ name }) => name),
      hooks
        .filter(({ destination }) => !isReadme(destination))
        .map(({ destination, kind, mode, digest }) => [destination, kind, mode, digest]),
      request.packages,
      request.installType,
      Object.entries(await environmentOf(request.callerEnv, hooks, facts)),
    ]),
  )
  const put: Record<string, string> = {}
  const stale: string[] = []
  for (const [path, content] of Object.entries(lock?.generated ?? {})) {
    if (content.madeFrom !== madeFrom) stale.push(path)
    else put[path] = await lockedContent(request.lockedFrom ?? '', path, content)
  }
  const declared = (await declaredUnreproducible(elements)).some(({ lock }) => lock)
  return { madeFrom, put, stale, declared }
}

/** The caller's variables that a file of an element mentions, and the content of files that they name. */
async function environmentOf(callerEnv: Environment, hooks: readonly HookFile[], { start }: ScriptFacts) {
  const known = Object.entries(await knownVariables(callerEnv, hooks))
  const variables = Object.fromEntries(
    known.flatMap(([name, value]) => (value === undefined || LOCKED.test(name) ? [] : [[name, value]])),
  )
  const files = Object.entries(start).filter(
    ([name]) => name.startsWith('file ') && Object.hasOwn(variables, name.slice(5)),
  )
  return { ...effectiveEnvironment(variables), ...Object.fromEntries(files) }
}
