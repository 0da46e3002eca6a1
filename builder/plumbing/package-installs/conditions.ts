import { CofferError } from '../../../lib/errors.ts'
import type { Environment } from '../../../lib/exec.ts'

/** What a package-installs file says about one package: the keys and values as they were written. */
export type PackageConditions = Readonly<Record<string, unknown>>

/** A package of an element, for error messages and the evaluation of its conditions. */
export interface PackageRequest {
  readonly element: string
  readonly package: string
  readonly conditions: PackageConditions
}

/**
 * True when every condition of the request holds, looked at in DIB's order: installtype, arch, dib_python_version, when
 * (DIB contract §3.6). A condition that does not hold hides mistakes in later ones, as in DIB.
 *
 * @throws CofferError `PACKAGE_INSTALLS_INVALID` for a malformed condition, `PACKAGE_INSTALLS_VARIABLE_UNSET` when a
 *   condition needs a variable that is not set.
 */
export function isWanted(request: PackageRequest, env: Environment): boolean {
  const { conditions } = request
  if (conditions.installtype !== undefined && conditions.installtype !== null) {
    if (conditions.installtype !== installType(request.element, env)) return false
  }
  if (!isForArchitecture(request, env)) return false
  const python = conditions.dib_python_version ?? ''
  if (python !== '' && String(python) !== (env.DIB_PYTHON_VERSION ?? '')) return false
  return whenHolds(request, env)
}

/** How an element is installed: its own variable, else the build's default, else from source. */
function installType(element: string, env: Environment): string {
  return env[`DIB_INSTALLTYPE_${element.replaceAll('-', '_')}`] ?? env.DIB_DEFAULT_INSTALLTYPE ?? 'source'
}

function isForArchitecture(request: PackageRequest, env: Environment): boolean {
  const only = architectures(request, 'arch')
  const except = architectures(request, 'not-arch')
  if (only === undefined && except === undefined) return true
  if (only !== undefined && except !== undefined) {
    throw invalid(
      request,
      `package-installs configuration error: arch and not_arch given for package [${request.package}]`,
    )
  }
  const arch = env.ARCH
  if (arch === undefined) throw unset(request, 'ARCH')
  return only === undefined ? except?.includes(arch) !== true : only.includes(arch)
}

/** The items of a comma list, unstripped: `a, b` names `a` and ` b`, which matches nothing (DIB contract §10.5). */
function architectures(request: PackageRequest, key: 'arch' | 'not-arch'): string[] | undefined {
  const value = request.conditions[key]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string')
    throw invalid(request, `${key} must be a comma separated list, written as text`)
  return value.split(',')
}

function whenHolds(request: PackageRequest, env: Environment): boolean {
  const value = request.conditions.when
  if (value === undefined || value === null) return true
  // Every statement is looked at, so that a mistake in the second one shows even when the first does not hold.
  const results = (Array.isArray(value) ? value : [value]).map((statement) =>
    statementHolds(request, statement, env),
  )
  return results.every((result) => result)
}

function statementHolds(request: PackageRequest, statement: unknown, env: Environment): boolean {
  const match = typeof statement === 'string' ? /^([\p{L}\p{N}_]+)\s*(!?=)\s*(.*)/u.exec(statement) : null
  const [, name, operator, wanted] = match ?? []
  if (name === undefined || wanted === undefined)
    throw invalid(request, `Malformed when line: <${String(statement)}>`)
  const actual = env[name]
  if (actual === undefined) throw unset(request, name)
  return (actual === wanted) === (operator === '=')
}

function unset(request: PackageRequest, name: string): CofferError {
  return new CofferError('PACKAGE_INSTALLS_VARIABLE_UNSET', `The variable <${name}> is not set`, {
    hint: `Package ${request.package} of element ${request.element} depends on it: set ${name} before the build.`,
  })
}

function invalid(request: PackageRequest, message: string): CofferError {
  return new CofferError('PACKAGE_INSTALLS_INVALID', message, {
    hint: `Correct package ${request.package} in the package-installs file of element ${request.element}.`,
  })
}
