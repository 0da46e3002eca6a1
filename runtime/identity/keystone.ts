import type { Clock } from '../../lib/clock.ts'
import { CofferError } from '../../lib/errors.ts'
import { sha256 } from '../../lib/hash.ts'
import type { AuthContext, TokenValidator } from './types.ts'

/** How long an answer is believed, in milliseconds: so late a revocation may come through. */
const BELIEVED_MS = 60_000
/** A refusal is believed for a shorter time, so that bad tokens cannot flood Keystone. */
const REFUSAL_MS = 5000
const REQUEST_MS = 10_000
const MAX_CACHED = 10_000

interface Answer {
  readonly context: AuthContext | undefined
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** The parts of Keystone's token body that are read. */
interface TokenBody {
  readonly token?: {
    readonly expires_at?: string
    readonly user?: { readonly id?: string; readonly name?: string }
    readonly project?: { readonly id?: string; readonly name?: string }
    readonly roles?: readonly { readonly name?: string }[]
  }
}

/**
 * The validator for tokens of a real Keystone. Each token is shown to Keystone by itself (its policy lets the subject of
 * a token validate it), so no service account is needed.
 *
 * @param authUrl with or without `/v3`
 * @param fetcher the HTTP client; default: Node's own
 */
export function keystoneValidator(options: {
  readonly authUrl: string
  readonly adminRoles: readonly string[]
  readonly clock: Clock
  readonly fetcher?: typeof fetch
}): TokenValidator {
  const { clock, adminRoles, fetcher = fetch } = options
  const url = `${options.authUrl.replace(/\/+$/, '').replace(/\/(v3|v2\.0)$/, '')}/v3/auth/tokens?nocatalog`
  const answers = new Map<string, Answer>()
  const asking = new Map<string, Promise<Answer>>()
  const closing = new AbortController()

  const ask = async (token: string): Promise<Answer> => {
    const context = await validate(url, token, adminRoles, fetcher, closing.signal)
    const now = clock.now().getTime()
    if (context === undefined) return { context, until: now + REFUSAL_MS }
    return { context, until: Math.min(now + BELIEVED_MS, context.expiresAt.getTime()) }
  }

  return {
    async validate(token) {
      // What cannot stand in a header cannot be a token.
      if (token === '' || token.length > 4096 || !/^[\x21-\x7e]+$/.test(token)) return undefined
      // Kept by digest, so that this cache is no heap of credentials.
      const key = sha256(token)
      const now = clock.now().getTime()
      const known = answers.get(key)
      if (known !== undefined && known.until > now) return known.context
      answers.delete(key)
      const question = asking.get(key) ?? ask(token).finally(() => asking.delete(key))
      asking.set(key, question)
      const answer = await question
      if (answers.size >= MAX_CACHED) answers.delete(answers.keys().next().value ?? '')
      answers.set(key, answer)
      return answer.until > clock.now().getTime() ? answer.context : undefined
    },
    async close() {
      closing.abort()
      await Promise.allSettled(asking.values())
    },
  }
}

async function validate(
  url: string,
  token: string,
  adminRoles: readonly string[],
  fetcher: typeof fetch,
  signal: AbortSignal,
): Promise<AuthContext | undefined> {
  let response: Response
  try {
    response = await fetcher(url, {
      headers: { 'X-Auth-Token': token, 'X-Subject-Token': token, Accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
    })
  } catch (error) {
    throw unavailable(url, 'it does not answer', error)
  }
  if (response.status === 401 || response.status === 404) {
    await response.body?.cancel()
    return undefined
  }
  if (response.status !== 200) {
    await response.body?.cancel()
    throw unavailable(url, `it answered ${response.status}`)
  }
  let body: TokenBody
  try {
    body = (await response.json()) as TokenBody
  } catch (error) {
    throw unavailable(url, 'its answer is not JSON', error)
  }
  return contextOf(body, adminRoles)
}

/** Undefined for an unscoped token. */
function contextOf({ token }: TokenBody, adminRoles: readonly string[]): AuthContext | undefined {
  const { user, project, expires_at: expires } = token ?? {}
  if (user?.id === undefined || project?.id === undefined || expires === undefined) return undefined
  const expiresAt = new Date(expires)
  if (Number.isNaN(expiresAt.getTime())) return undefined
  const roles = (token?.roles ?? []).flatMap(({ name }) => name ?? [])
  return {
    userId: user.id,
    userName: user.name ?? '',
    projectId: project.id,
    projectName: project.name ?? '',
    roles,
    isAdmin: roles.some((role) => adminRoles.includes(role)),
    expiresAt,
  }
}

const unavailable = (url: string, why: string, cause?: unknown) =>
  new CofferError(
    'IDENTITY_UNAVAILABLE',
    `The identity service at ${new URL(url).host} cannot be asked: ${why}`,
    {
      hint: 'Check the option auth_url (www_authenticate_uri) and that Keystone runs there.',
      retryable: true,
      cause,
    },
  )
