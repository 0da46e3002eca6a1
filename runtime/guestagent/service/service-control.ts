/** What systemd says of a unit. */
export interface ServiceState {
  /** `active`, `activating`, `deactivating`, `failed`, `inactive`, … */
  readonly active: string
  /** `auto-restart` while systemd waits before it tries again. */
  readonly sub: string
  /** 0 when no process runs. */
  readonly mainPid: number
}

/** Starts and stops the engine. In guests systemd does it; tests against real engines bring their own. */
export interface ServiceControl {
  /** Resolves when the engine's process says that it is up. @throws CofferError `GUEST_ERROR` with its last words */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** Allows or forbids the engine to start, by hand or with the machine. */
  readonly permit: (allowed: boolean) => Promise<void>
  readonly state: () => Promise<ServiceState>
  /** The last lines of the engine's own log, for a reason; empty when there are none. */
  readonly lastWords: () => Promise<string>
}
