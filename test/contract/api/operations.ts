import { openApiDocument } from '../../../tools/openapi-reference.ts'

/** An operation of the OpenAPI document. */
export interface Operation {
  readonly method: string
  /** `/v1.0/{tenant_id}/instances/{id}`. */
  readonly path: string
  /** A body that the operation's schema accepts, or undefined where it takes none. */
  readonly example: unknown
  /** Answers administrators only. */
  readonly isAdminOnly: boolean
}

/** Every operation below a project, as the document lists them. */
export async function tenantOperations(): Promise<readonly Operation[]> {
  const { paths } = (await openApiDocument()) as {
    readonly paths: Record<
      string,
      Record<string, { requestBody?: { content: Record<string, { example?: unknown }> } }>
    >
  }
  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1.0/{tenant_id}/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { requestBody }]) => ({
        method: method.toUpperCase(),
        path,
        example: requestBody?.content['application/json']?.example,
        isAdminOnly: path.includes('/mgmt/'),
      })),
    )
}

/** The path with its parameters filled in; those without a value of their own get one that fits anywhere. */
export function pathOf(operation: Operation, values: Readonly<Record<string, string>>): string {
  return operation.path
    .replace('/v1.0/{tenant_id}', '')
    .replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? 'user1'))
}
