import { systemClock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { RecordedPackage } from '../../registry/images/record.ts'
import type { LayerMeta } from '../cache/types.ts'
import type { BuildInputs, InputsOfBuild } from '../lock/build-inputs.ts'
import type { GeneratedContent } from '../lock/generated.ts'
import type { AptProxy } from '../packages/proxy.ts'
import type { BuildListener } from './events.ts'
import { outputOwner } from './job.ts'
import type { PreparedBuild } from './prepare.ts'
import type { BuildFacts } from './record.ts'

/** The inputs of a prepared build: what it may take from elsewhere. */
export function inputsOf(prepared: PreparedBuild, version: string, log: Log): InputsOfBuild {
  const { request, lock } = prepared
  return {
    ...request,
    lock,
    architecture: request.arch,
    env: request.callerEnv,
    store: `${request.imageCache}/packages`,
    version,
    owner: outputOwner(request),
    log,
  }
}

/** What a step took from elsewhere when it ran counts for the build that takes its result. */
export async function replay(meta: LayerMeta, inputs: BuildInputs, proxy: AptProxy): Promise<void> {
  for (const answer of meta.served) {
    inputs.proxy.onServed?.(answer)
    proxy.recall(answer)
  }
  for (const taken of meta.recorded) await inputs.recall(taken)
}

/** Where packages and downloads of the image came from. */
export async function takenFrom(
  inputs: BuildInputs,
  installed: readonly RecordedPackage[],
): Promise<Pick<BuildFacts, 'packages' | 'downloads' | 'sources'>> {
  const name = (one: Pick<RecordedPackage, 'name' | 'version' | 'architecture'>) =>
    `${one.name} ${one.version} ${one.architecture}`
  const taken = new Map((await inputs.packages()).map((one) => [name(one), one]))
  const recorded = await inputs.recorded()
  return {
    packages: installed.map((one) => {
      const origin = taken.get(name(one))
      return origin === undefined ? one : { ...one, sha256: origin.sha256, url: origin.url }
    }),
    downloads: recorded.flatMap((one) =>
      one.kind === 'file' ? [{ kind: one.kind, url: one.url, sha256: one.sha256 }] : [],
    ),
    sources: recorded.flatMap((one) => {
      if (one.kind !== 'source') return []
      const { name, location, ref, revision } = one
      return [{ name, location, ref, revision }]
    }),
  }
}

/** Writes the lock that was asked for, once every answer of the proxy is known. */
export async function finishLock(
  inputs: BuildInputs,
  proxy: AptProxy,
  listener: BuildListener,
  generated: readonly GeneratedContent[],
): Promise<void> {
  await proxy.settled()
  const lock = await inputs.writeLock(generated)
  if (lock === undefined) return
  listener.onLine(`The lock ${lock.path} names ${lock.packages} packages`)
  listener.onEvent({ event: 'lock', ...lock, time: systemClock.now().getTime() })
}
