import type { FastifyInstance } from 'fastify'
import type { ApiDeps } from '../deps.ts'
import type { RateLimiter } from '../frame/rate-limit.ts'
import { limitAnswers } from '../schemas/answers.ts'
import { quotaDefaults } from './tasks.ts'

/** GET /limits: what the tenant may have, first, then what it may ask a minute (Trove contract §1.9). */
export function limitsRoutes(app: FastifyInstance, deps: ApiDeps, limiter: RateLimiter): void {
  app.get(
    '/limits',
    { schema: { summary: 'List limits', tags: ['limits'], response: limitAnswers } },
    async (request) => {
      const { projectId } = request.auth
      const quotas = await deps.db.quotas.usages(projectId, quotaDefaults(deps.settings))
      const absolute = quotas.map(({ resource, limit }) => [`max_${resource}`, limit] as const)
      return { limits: [{ verb: 'ABSOLUTE', ...Object.fromEntries(absolute) }, ...limiter.view(projectId)] }
    },
  )
}
