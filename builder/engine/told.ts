import type { RecordedDistribution, RecordedPackage } from '../../registry/images/record.ts'
import type { GeneratedContent } from '../lock/generated.ts'
import type { BuildEvent, BuildListener } from './events.ts'
import type { FinishedOutput } from './kept-outputs.ts'
import type { BuildFacts } from './record.ts'

/** Passes the worker's events on, and remembers what the end of the build needs. */
export function toldBy(listener: BuildListener) {
  let tree: string | undefined
  const generated: GeneratedContent[] = []
  let packages: readonly RecordedPackage[] = []
  let agent: BuildFacts['agent'] = {}
  let reproducible: Pick<BuildFacts, 'sourceDate' | 'unreproducible'> = { unreproducible: [] }
  let distribution: RecordedDistribution | undefined
  const outputs: FinishedOutput[] = []
  return {
    onLine(line: string) {
      const event = JSON.parse(line) as BuildEvent
      if (event.event === 'tree') tree = event.key
      if (event.event === 'generated') generated.push(event)
      if (event.event === 'output') outputs.push(event)
      if (event.event === 'packages') {
        packages = event.packages
        agent = event.agent ?? {}
        distribution = event.distribution
      }
      if (event.event === 'reproducible') {
        const { sourceDate, unreproducible } = event
        reproducible = { unreproducible, ...(sourceDate === undefined ? {} : { sourceDate }) }
      }
      listener.onEvent(event)
    },
    tree: () => tree,
    generated: () => generated,
    facts: () => ({
      packages,
      agent,
      outputs,
      ...reproducible,
      ...(distribution === undefined ? {} : { distribution }),
    }),
  }
}
