import { Compile, type XSchema } from 'typebox/schema'
import { openApiDocument } from '../../../../tools/openapi-reference.ts'

interface Described {
  readonly method: string
  readonly pattern: RegExp
  readonly parameters: number
  readonly responses: Readonly<
    Record<string, { readonly content?: { readonly [type: string]: { readonly schema: XSchema } } }>
  >
}

const { paths } = (await openApiDocument()) as {
  readonly paths: Record<string, Record<string, { responses: Described['responses'] }>>
}

const operations: readonly Described[] = Object.entries(paths)
  .flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
      parameters: path.split('{').length,
      responses,
    })),
  )
  // The router prefers words to parameters.
  .toSorted((a, b) => a.parameters - b.parameters)

const compiled = new Map<XSchema, ReturnType<typeof Compile>>()

/**
 * Holds an answer against what the OpenAPI document says of it, so that a view and its description cannot drift apart.
 *
 * @throws Error naming the difference; an answer that no operation gave passes
 */
export function expectDescribed(method: string, path: string, status: number, body: unknown): void {
  const url = `/v1.0/project${path.split('?', 1)[0]}`
  const operation = operations.find((one) => one.method === method && one.pattern.test(url))
  if (operation === undefined || path.startsWith('//')) return
  const family = `${Math.floor(status / 100)}XX`
  const described = operation.responses[status] ?? operation.responses[family]
  if (described === undefined) throw new Error(`${method} ${path} does not say that it answers ${status}`)
  const schema = described.content?.['application/json']?.schema
  if (schema === undefined) {
    if (body !== undefined)
      throw new Error(`${method} ${path} answers ${status} with a body that it does not describe`)
    return
  }
  const validator = compiled.get(schema) ?? Compile(schema)
  compiled.set(schema, validator)
  if (validator.Check(body)) return
  const [, errors] = validator.Errors(body)
  throw new Error(`${method} ${path} ${status}: ${JSON.stringify(errors)}`)
}
