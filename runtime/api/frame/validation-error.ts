import type { CofferError } from '../../../lib/errors.ts'
import { fault } from '../../model/faults.ts'
import { pythonText } from './python-text.ts'

/** One complaint of Ajv in verbose mode. */
export interface SchemaComplaint {
  readonly keyword: string
  readonly instancePath: string
  readonly schemaPath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message?: string
  readonly data?: unknown
  /** The keyword's own value in the schema. */
  readonly schema?: unknown
}

/** At most so many complaints in one message: a body may hold thousands of wrong items. */
const MOST = 10

/** Complaints that are looked at: which explains which is a question of each pair. */
const LOOKED_AT = 500

/** python-jsonschema's words for a keyword: what Trove's users have always read (contract §1.1). */
const WORDS: Readonly<Record<string, (value: string, complaint: SchemaComplaint) => string>> = {
  type: (value, { schema }) =>
    `${value} is not of type ${[schema]
      .flat()
      .map((type) => pythonText(type))
      .join(', ')}`,
  required: (_, { params }) => `${pythonText(params.missingProperty)} is a required property`,
  minLength: (value) => `${value} is too short`,
  maxLength: (value) => `${value} is too long`,
  minItems: (value) => `${value} is too short`,
  maxItems: (value) => `${value} is too long`,
  minProperties: (value) => `${value} does not have enough properties`,
  maxProperties: (value) => `${value} has too many properties`,
  uniqueItems: (value) => `${value} has non-unique elements`,
  pattern: (value, { schema }) => `${value} does not match ${pythonText(schema)}`,
  minimum: (value, { schema }) => `${value} is less than the minimum of ${String(schema)}`,
  maximum: (value, { schema }) => `${value} is greater than the maximum of ${String(schema)}`,
  enum: (value, { schema }) => `${value} is not one of ${pythonText(schema)}`,
  anyOf: (value) => `${value} is not valid under any of the given schemas`,
  oneOf: (value) => `${value} is not valid under any of the given schemas`,
  additionalProperties: (_, { params }) =>
    `Additional properties are not allowed (${pythonText(params.additionalProperty)} was unexpected)`,
}

function words(complaint: SchemaComplaint): string {
  const secret = complaint.instancePath.endsWith('/password')
  const value = secret ? "'***'" : pythonText(complaint.data)
  return WORDS[complaint.keyword]?.(value, complaint) ?? complaint.message ?? complaint.keyword
}

/** `/instance/volume/size` as `instance['volume']['size']`: the first step bare, the others as subscripts. */
function place(instancePath: string): string {
  const [first, ...rest] = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const subscripts = rest.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `[${pythonText(step)}]`))
  return [first ?? '', ...subscripts].join('')
}

/** The branches of an alternative explain it; they are not complaints of their own. */
const isBranchOf = (inner: SchemaComplaint, outer: SchemaComplaint) =>
  inner !== outer && inner.schemaPath.startsWith(`${outer.schemaPath}/`)

/**
 * The fault for a body, or a query, that its schema refuses: `Validation error: <path> <words>; …`, sorted by path.
 *
 * An error at the root has no path. Trove's own formatter fails on it with a 500; here it is a 400 as the others (contract §1.1).
 */
export function validationFault(all: readonly SchemaComplaint[]): CofferError {
  const complaints = all.slice(0, LOOKED_AT)
  const outer = complaints.filter((one) => !complaints.some((other) => isBranchOf(one, other)))
  const texts = outer
    .toSorted((a, b) => (a.instancePath < b.instancePath ? -1 : a.instancePath > b.instancePath ? 1 : 0))
    .slice(0, MOST)
    .flatMap((one) => {
      const path = place(one.instancePath)
      const branches = complaints.filter((other) => isBranchOf(other, one)).map(words)
      return [path === '' ? words(one) : `${path} ${words(one)}`, ...branches]
    })
  return fault('VALIDATION_ERROR', { reason: texts.join('; ') })
}

/** The part of Ajv that changes what a keyword of a schema means. */
interface Validator {
  removeKeyword(name: string): unknown
  addKeyword(definition: {
    readonly keyword: string
    readonly type: 'array'
    readonly schemaType: 'boolean'
    readonly validate: (wanted: boolean, items: readonly unknown[]) => boolean
  }): unknown
}

/** Ajv's own way to find equal items compares all with all, for objects: minutes for a body of a megabyte. */
function uniqueItemsInOnePass(ajv: Validator): void {
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (wanted: boolean, items: readonly unknown[]) =>
      !wanted || new Set(items.map((item) => JSON.stringify(item))).size === items.length,
  })
}

/** How Fastify validates: values are taken as they came, and every error is reported. */
export const schemaValidation = {
  ajv: {
    onCreate: uniqueItemsInOnePass,
    customOptions: {
      allErrors: true,
      verbose: true,
      coerceTypes: false,
      removeAdditional: false,
      useDefaults: false,
    },
  },
  schemaErrorFormatter: (complaints: readonly object[]) =>
    validationFault(complaints as readonly SchemaComplaint[]),
} as const
