import type { Json, JsonObject } from '../commands/types.ts'

/** Trove's API for one project. Paths begin behind `/v1.0/<project>`; use {@link resource} for parts from outside. */
export interface Service {
  readonly get: (path: string) => Promise<JsonObject>
  readonly post: (path: string, body?: Json) => Promise<JsonObject>
  readonly put: (path: string, body: Json) => Promise<JsonObject>
  readonly patch: (path: string, body: Json) => Promise<JsonObject>
  readonly remove: (path: string) => Promise<void>
}

/** A request to any service. */
export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Json
}

/** Its answer, whatever the status. */
export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** The door to the network. */
export type Http = (request: HttpRequest) => Promise<HttpReply>

/** Who asks, and where. */
export interface Credentials {
  readonly authUrl: string
  readonly user: { readonly id?: string; readonly name?: string; readonly domain: Domain }
  readonly password: string | undefined
  readonly token: string | undefined
  readonly project: { readonly id?: string; readonly name?: string; readonly domain: Domain }
}

/** A domain by id or by name. */
export type Domain = { readonly id: string } | { readonly name: string }

/** What the identity service gives: a token and the endpoints of the catalog in one shape for v2.0 and v3. */
export interface Access {
  readonly token: string
  readonly projectId: string | undefined
  readonly endpoints: readonly Endpoint[]
}

/** One endpoint of the catalog. */
export interface Endpoint {
  readonly type: string
  readonly name: string
  readonly region: string | undefined
  /** `public`, `internal` or `admin`. */
  readonly interface: string
  readonly url: string
}
