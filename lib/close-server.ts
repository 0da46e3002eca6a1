/** The part of a Fastify instance that closing needs. */
interface HttpService {
  readonly close: () => PromiseLike<unknown>
  readonly server: { readonly closeAllConnections: () => void }
}

/** How long requests under way may go on, in milliseconds. */
const GRACE_MS = 3000

/**
 * Closes an HTTP service: no new connections, then what is under way to its end, then whatever is left by force. Without
 * that one client that connects and says nothing would hold up the end of the process for a minute.
 */
export async function closeServer(app: HttpService, graceMs = GRACE_MS): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
  }
}
