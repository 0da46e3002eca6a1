import { CofferError } from '../../lib/errors.ts'

/** One parameter that a configuration group may set. Bounds are decimal text: they reach 2^64-1 (Trove contract §10.1). */
export interface ParameterRule {
  readonly name: string
  readonly restartRequired: boolean
  readonly type: 'integer' | 'string' | 'boolean' | 'float' | 'list'
  readonly min: string | null
  readonly max: string | null
}

const TYPES: readonly string[] = ['integer', 'string', 'boolean', 'float', 'list']

/**
 * Reads a validation-rules.json: `{"configuration-parameters": [{name, restart_required, type, min?, max?}]}` (contract §6.6).
 *
 * @param file named in errors
 * @throws CofferError VALIDATION_RULES_BROKEN naming the parameter and what is wrong with it
 */
export function parseValidationRules(text: string, file: string): readonly ParameterRule[] {
  const broken = (reason: string) =>
    new CofferError('VALIDATION_RULES_BROKEN', `${file} holds no validation rules: ${reason}`, {
      hint: 'The form is {"configuration-parameters": [{"name", "restart_required", "type", "min", "max"}]}.',
    })
  let parsed: unknown
  try {
    // A number's own digits, since those past 2^53 would be rounded.
    parsed = JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' ? { digits: context?.source ?? String(value) } : value,
    )
  } catch (error) {
    throw broken((error as Error).message)
  }
  const list = (parsed as Record<string, unknown> | null)?.['configuration-parameters']
  if (!Array.isArray(list)) throw broken('it has no list "configuration-parameters"')
  const rules = list.map((entry, at) => ruleOf(entry, (reason) => broken(`entry ${at + 1}: ${reason}`)))
  const names = rules.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw broken(`${twice} is listed twice`)
  return rules
}

function ruleOf(entry: unknown, broken: (reason: string) => CofferError): ParameterRule {
  if (typeof entry !== 'object' || entry === null) throw broken('it is not an object')
  const { name, restart_required: restart, type, min, max } = entry as Record<string, unknown>
  if (typeof name !== 'string' || name === '') throw broken('it has no name')
  // Kilo's own files write the flag as a boolean, a number or its name.
  const flag = bound(restart, broken)
  if (typeof type !== 'string' || !TYPES.includes(type))
    throw broken(`the type of ${name} is ${String(type)}`)
  return {
    name,
    restartRequired: restart === true || flag === '1' || flag === 'true',
    type: type as ParameterRule['type'],
    min: bound(min, broken),
    max: bound(max, broken),
  }
}

function bound(value: unknown, broken: (reason: string) => CofferError): string | null {
  if (value === undefined || value === null || typeof value === 'boolean') return null
  if (typeof value === 'string') return value
  const digits = (value as { digits?: string }).digits
  if (digits === undefined) throw broken('a bound is neither a number nor text')
  return digits
}
