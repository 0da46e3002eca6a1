import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { faultAnswer } from './schemas/answers.ts'

/** Collects the OpenAPI document. Loaded only where the document is asked for: a running service has no use for it. */
export async function documentRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    transform: ({ schema, url }) => ({
      url,
      // Every operation may refuse.
      schema: {
        ...schema,
        response: { ...(schema.response as object), '4xx': faultAnswer, '5xx': faultAnswer },
      },
    }),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Coffer database API',
        version: 'v1.0',
        description:
          'The REST API of Trove, version 1.0. Errors are OpenStack faults: `{name: {code, message}}`.',
      },
      security: [{ token: [] }],
      components: {
        securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
      },
    },
  })
}
