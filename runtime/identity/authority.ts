import type { Clock } from '../../lib/clock.ts'
import { badRequest, unauthorized } from './errors.ts'
import { loginGate } from './login-gate.ts'
import { passwordChecker } from './passwords.ts'
import { DEFAULT_DOMAIN, type ProjectRecord, type RoleRecord, type UserRecord } from './records.ts'
import type { IdentityStore, IdentityView } from './store.ts'
import { newAuditId, type TokenClaims, type TokenMethod, type TokenSigner } from './tokens.ts'

/** A domain as requests name it; neither: the default one. */
export interface DomainRef {
  readonly id?: string
  readonly name?: string
}

/** A user or project as requests name it: by id, or by name in a domain. */
export interface NamedRef {
  readonly id?: string
  readonly name?: string
  readonly domain?: DomainRef
}

export interface Login {
  /** One of them, or both: then both must fit (Keystone takes the methods together). */
  readonly password?: { readonly user: NamedRef; readonly password: string }
  readonly token?: string
  /** `default`: the user's own default project, if there is one. */
  readonly scope: { readonly project: NamedRef } | 'unscoped' | 'default'
  /** The address that the request came from. */
  readonly address: string
}

/** A token that is good now, and what it stands for now. */
export interface LiveToken {
  readonly token: string
  readonly claims: TokenClaims
  readonly user: UserRecord
  readonly project: ProjectRecord | undefined
  readonly roles: readonly RoleRecord[]
}

/** Gives out tokens and says what they are worth. */
export interface Authority {
  /** @throws CofferError IDENTITY_UNAUTHORIZED, never saying what was wrong */
  readonly login: (login: Login) => Promise<LiveToken>
  /** The user whose password this is. Slow for a wrong one, slower for the next. @throws CofferError as `login` */
  readonly verifyPassword: (user: NamedRef, password: string, address: string) => Promise<UserRecord>
  /** Undefined for a token that is forged, expired, revoked, or whose user or project is gone, disabled or without role. */
  readonly check: (token: string) => LiveToken | undefined
  readonly revoke: (token: LiveToken) => Promise<void>
}

/** Tokens checked before, so that a busy client costs a look-up and not a signature. */
const MAX_CACHED = 10_000

/**
 * @param lifetimeMs how long a token is good, in milliseconds
 */
export function openAuthority(deps: {
  readonly store: IdentityStore
  readonly signer: TokenSigner
  readonly clock: Clock
  readonly lifetimeMs: number
}): Authority {
  const { store, signer, clock } = deps
  const gate = loginGate(clock)
  const passwords = passwordChecker()
  let cached = new Map<string, LiveToken>()
  let cachedView: IdentityView | undefined

  const check = (token: string): LiveToken | undefined => {
    const view = store.view()
    if (view !== cachedView) {
      cached = new Map()
      cachedView = view
    }
    const now = clock.now().getTime()
    const known = cached.get(token)
    if (known !== undefined) return known.claims.expiresAt > now ? known : undefined
    const claims = signer.read(token)
    const live = claims && liveToken(view, token, claims, now)
    if (live === undefined) return undefined
    if (cached.size >= MAX_CACHED) cached.delete(cached.keys().next().value ?? '')
    cached.set(token, live)
    return live
  }

  const verifyPassword = async (ref: NamedRef, password: string, address: string): Promise<UserRecord> => {
    const found = findUser(store.view(), ref)
    const able = found?.enabled === true ? found : undefined
    const right = await gate.attempt(ref.id ?? ref.name ?? '', address, () =>
      passwords.check(able?.passwordHash ?? undefined, password),
    )
    // Looked up again: the user may have changed while the password was checked.
    const user = right && found !== undefined ? store.view().user(found.id) : undefined
    if (user === undefined || !user.enabled || user.passwordHash !== found?.passwordHash) throw unauthorized()
    return user
  }

  const userOf = async (login: Login): Promise<{ user: UserRecord; parent: LiveToken | undefined }> => {
    const parent = login.token === undefined ? undefined : check(login.token)
    if (login.token !== undefined && parent === undefined) throw unauthorized()
    if (login.password === undefined) {
      if (parent === undefined)
        throw badRequest("Expecting to find one of the methods 'password' and 'token'.")
      return { user: parent.user, parent }
    }
    const user = await verifyPassword(login.password.user, login.password.password, login.address)
    if (parent !== undefined && parent.user.id !== user.id) throw unauthorized()
    return { user, parent }
  }

  return {
    check,
    verifyPassword,
    async login(login) {
      const { user, parent } = await userOf(login)
      const project = scopeOf(store.view(), user, login.scope)
      const now = clock.now().getTime()
      const methods: TokenMethod[] = [...(parent?.claims.methods ?? [])]
      if (login.password !== undefined) methods.push('password')
      if (parent !== undefined) methods.push('token')
      const own = newAuditId()
      // A token got with a token ends when that one does, or it could be prolonged for ever.
      const claims: TokenClaims = {
        userId: user.id,
        projectId: project?.id,
        methods: [...new Set(methods)],
        auditIds:
          parent === undefined ? [own] : [own, parent.claims.auditIds[1] ?? parent.claims.auditIds[0]],
        issuedAt: now,
        expiresAt: parent?.claims.expiresAt ?? now + deps.lifetimeMs,
      }
      const live = check(signer.sign(claims))
      if (live === undefined) throw unauthorized()
      return live
    },
    async revoke({ claims }) {
      const now = clock.now().getTime()
      await store.change(({ data }) => ({
        ...data,
        revoked: [
          ...data.revoked.filter(({ expiresAt }) => expiresAt > now),
          { auditId: claims.auditIds[0], expiresAt: claims.expiresAt },
        ],
      }))
    },
  }
}

function liveToken(
  view: IdentityView,
  token: string,
  claims: TokenClaims,
  now: number,
): LiveToken | undefined {
  if (claims.expiresAt <= now || view.isRevoked(claims.auditIds[0])) return undefined
  const user = view.user(claims.userId)
  if (user === undefined || !user.enabled || claims.issuedAt <= user.tokensAfter) return undefined
  if (claims.projectId === undefined) return { token, claims, user, project: undefined, roles: [] }
  const project = view.project(claims.projectId)
  if (project === undefined || !project.enabled) return undefined
  const roles = view.rolesOf(user.id, project.id)
  return roles.length === 0 ? undefined : { token, claims, user, project, roles }
}

function scopeOf(view: IdentityView, user: UserRecord, scope: Login['scope']): ProjectRecord | undefined {
  if (scope === 'unscoped') return undefined
  if (scope === 'default') {
    const own = view.project(user.defaultProjectId ?? '')
    return own?.enabled === true && view.rolesOf(user.id, own.id).length > 0 ? own : undefined
  }
  const project = findProject(view, scope.project)
  if (project === undefined || !project.enabled || view.rolesOf(user.id, project.id).length === 0) {
    throw unauthorized()
  }
  return project
}

const findUser = (view: IdentityView, ref: NamedRef): UserRecord | undefined =>
  ref.id !== undefined
    ? view.user(ref.id)
    : inDefaultDomain(ref.domain)
      ? view.userNamed(ref.name ?? '')
      : undefined

const findProject = (view: IdentityView, ref: NamedRef): ProjectRecord | undefined =>
  ref.id !== undefined
    ? view.project(ref.id)
    : inDefaultDomain(ref.domain)
      ? view.projectNamed(ref.name ?? '')
      : undefined

/** Keystone compares the names of domains without regard to case in practice (MySQL's collation); so do we. */
const inDefaultDomain = (domain: DomainRef | undefined): boolean =>
  (domain?.id === undefined || domain.id === DEFAULT_DOMAIN.id) &&
  (domain?.name === undefined || domain.name.toLowerCase() === DEFAULT_DOMAIN.name.toLowerCase())
