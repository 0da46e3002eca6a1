import type { RecordedDistribution, RecordedPackage, Unreproducible } from '../../registry/images/record.ts'
import type { GeneratedContent } from '../lock/generated.ts'

/** What a build reports while it runs: one JSON object a line with `--monitor json`. Times are milliseconds since 1970. */
export type BuildEvent =
  | {
      readonly event: 'phase-started'
      readonly phase: string
      readonly scripts: number
      readonly time: number
    }
  | {
      readonly event: 'script-started'
      readonly phase: string
      readonly script: string
      readonly element: string
      readonly time: number
    }
  | {
      readonly event: 'script-finished'
      readonly phase: string
      readonly script: string
      readonly element: string
      readonly seconds: number
      readonly status: number
      readonly time: number
    }
  /** The script's result was taken from the cache. */
  | {
      readonly event: 'script-cached'
      readonly phase: string
      readonly script: string
      readonly element: string
      readonly time: number
    }
  | {
      readonly event: 'phase-finished'
      readonly phase: string
      readonly seconds: number
      readonly time: number
    }
  /** Work of the builder itself between or after phases: `prepare`, `write disk`, `qcow2`, … */
  | { readonly event: 'step-started'; readonly step: string; readonly time: number }
  | {
      readonly event: 'step-finished'
      readonly step: string
      readonly seconds: number
      readonly time: number
    }
  /** Every script has run. The key is the finished tree's identity in the step cache, when it has one. */
  | { readonly event: 'tree'; readonly key?: string; readonly time: number }
  /** Nothing in the image is later than the date (seconds since 1970), and which files another build may write differently. */
  | {
      readonly event: 'reproducible'
      readonly sourceDate?: number
      readonly unreproducible: readonly Unreproducible[]
      readonly time: number
    }
  /** What dpkg has installed in the finished tree. */
  | {
      readonly event: 'packages'
      readonly packages: readonly RecordedPackage[]
      /** Versions of the guest agent and of its node, where the image says so. */
      readonly agent?: { readonly agentVersion?: string; readonly nodeVersion?: string }
      /** The system inside, where its os-release says so. */
      readonly distribution?: RecordedDistribution
      readonly time: number
    }
  /** Content that the lock of this build will keep. */
  | ({ readonly event: 'generated'; readonly time: number } & GeneratedContent)
  | {
      readonly event: 'output'
      readonly path: string
      readonly format: string
      readonly bytes: number
      readonly sha256?: string
      readonly time: number
    }
  /** `--lock`: the lock of the build is written. */
  | {
      readonly event: 'lock'
      readonly path: string
      readonly sha256: string
      readonly packages: number
      readonly time: number
    }
  | FailedEvent
  /** `build-image --boot-check`: the guest's database answered. */
  | {
      readonly event: 'booted'
      readonly firmware: 'bios' | 'uefi'
      readonly accel: string
      readonly line: string
      readonly seconds: number
      readonly time: number
    }
  /** `build-image --sign`: the image and its record have a signature of this key. */
  | { readonly event: 'signed'; readonly key: string; readonly time: number }
  /** `build-image --register`: the image is a datastore version now. */
  | {
      readonly event: 'registered'
      readonly image: string
      readonly datastore: string
      readonly version: string
      readonly versionId: string
      readonly time: number
    }
  | { readonly event: 'finished'; readonly seconds: number; readonly time: number }

/** Why a build ended, or was refused before it began. */
export interface FailedEvent {
  readonly event: 'failed'
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly phase?: string
  readonly script?: string
  readonly element?: string
  readonly exitCode: number
  readonly time: number
}

type Untimed<T> = T extends unknown ? Omit<T, 'time'> : never
/** An event before its time is known. */
export type UntimedEvent = Untimed<BuildEvent>
/** Reports an event; the time is added. */
export type Emit = (event: UntimedEvent) => void

/** Where a running build reports. */
export interface BuildListener {
  /** A line of output of the build. */
  readonly onLine: (line: string) => void
  readonly onEvent: (event: BuildEvent) => void
}
