/** Turns the first SIGINT, SIGTERM or SIGHUP into an abort, and remembers the exit status it means. */
export function interruption() {
  const controller = new AbortController()
  let status: number | undefined
  const numbers = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
  const listeners = Object.entries(numbers).map(([name, number]) => {
    const listener = () => {
      status ??= number
      controller.abort()
    }
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  return {
    signal: controller.signal,
    status: () => status,
    release: () => {
      for (const off of listeners) off()
    },
  }
}
