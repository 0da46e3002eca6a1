import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyInstance, LogController } from 'fastify'
import { FAULTS } from '../model/faults.ts'
import type { ApiDeps } from './deps.ts'
import { authenticate, type TenantParams } from './frame/auth.ts'
import { faultBody, replyWithFault } from './frame/fault-reply.ts'
import { acceptJsonBodies, BODY_LIMIT } from './frame/json-body.ts'
import { rateLimiter } from './frame/rate-limit.ts'
import { schemaValidation } from './frame/validation-error.ts'
import { routeFamilies } from './routes/index.ts'
import { limitsRoutes } from './routes/limits.ts'
import { versionRoutes } from './routes/versions.ts'

export type { ApiDeps } from './deps.ts'

export interface ApiOptions {
  /** Collects the OpenAPI document while routes are added; `app.swagger()` gives it. Only the documentation needs it. */
  readonly openapi?: boolean
}

/** Seconds within which a client must have sent its whole request. */
const REQUEST_SECONDS = 60

/** Longest name in a URL, quoted; a longer one is not found. */
const LONGEST_NAME = 2048

/**
 * The API service: Trove's REST API (contract §1). It answers from the database and, for what lives in a database engine,
 * from the guests; long work it leaves as tasks.
 *
 * @returns an app that does not listen yet
 */
export async function buildApi(deps: ApiDeps, options: ApiOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: deps.log,
    // One line a request, with the fields that operators look for: see traceRequests.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_SECONDS * 1000,
    routerOptions: { maxParamLength: LONGEST_NAME },
    genReqId: () => `req-${randomUUID()}`,
    frameworkErrors: (error, request, reply) => {
      replyWithFault(error, request, reply)
    },
    ...schemaValidation,
  })
  // Schemas of answers are for the documentation; what a view leaves out must stay out, and JSON.stringify is the faster one.
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler(replyWithFault)
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(faultBody(404, FAULTS.ROUTE_NOT_FOUND.text)),
  )
  acceptJsonBodies(app)
  traceRequests(app)
  if (options.openapi === true) await (await import('./openapi.ts')).documentRoutes(app)

  versionRoutes(app, deps)
  const limiter = rateLimiter(deps.settings, deps.clock)
  await app.register(
    async (tenant) => {
      tenant.addHook('onRequest', async (request, reply) => {
        await authenticate(request, deps.identity)
        const { tenant_id: tenantId } = request.params as TenantParams
        const path = (request.routeOptions.url ?? '').replace('/v1.0/:tenant_id', '')
        const refused = limiter.take(tenantId, request.method, path)
        if (refused === undefined) return
        const fault = {
          code: 413,
          message: FAULTS.RATE_LIMITED.text,
          details: refused.details,
          retryAfter: `${refused.seconds}`,
        }
        return reply.code(413).header('retry-after', `${refused.seconds}`).send({ overLimit: fault })
      })
      for (const routes of routeFamilies) routes(tenant, deps)
      limitsRoutes(tenant, deps, limiter)
    },
    { prefix: '/v1.0/:tenant_id' },
  )
  return app
}

/** A request id in every answer (both names that clients look for), and one line of log a request. */
function traceRequests(app: FastifyInstance): void {
  app.decorateRequest('auth', null as never)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-openstack-request-id', request.id).header('x-compute-request-id', request.id)
  })
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        project: request.auth?.projectId,
        user: request.auth?.userId,
      },
      'request',
    )
  })
}
