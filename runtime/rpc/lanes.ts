/** Runs work in order of arrival, one at a time, or at once. */
export interface Lanes {
  /**
   * @param work is not begun when `skip` says so at its turn
   * @returns when the work has ended or was skipped
   */
  readonly serial: (work: () => Promise<void>, skip: () => boolean) => Promise<void>
  readonly concurrent: (work: () => Promise<void>) => Promise<void>
  /** Resolves when nothing runs. Work that waits in the serial lane counts as running unless it will be skipped. */
  readonly idle: () => Promise<void>
}

export function createLanes(): Lanes {
  const running = new Set<Promise<void>>()
  let last: Promise<void> = Promise.resolve()

  function track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => running.delete(tracked))
    running.add(tracked)
    return tracked
  }

  return {
    serial(work, skip) {
      const turn = last.then(() => (skip() ? undefined : work()))
      // The next one's turn comes however this one ends.
      last = turn.catch(() => undefined)
      return track(turn)
    },
    concurrent: (work) => track(work()),
    async idle() {
      while (running.size > 0) await Promise.allSettled(running)
    },
  }
}
