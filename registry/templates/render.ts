import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import nunjucks from 'nunjucks'
import { CofferError } from '../../lib/errors.ts'

/** What a configuration file is rendered from (Trove contract §6.6). */
export interface TemplateInput {
  readonly datastore: { readonly name: string; readonly manager: string; readonly version: string }
  readonly flavor: {
    readonly id: string
    readonly name: string
    /** Megabytes: the sizes of buffers follow it. */
    readonly ram: number
    readonly vcpus: number
  }
  readonly instanceId: string
  /** Values of a configuration group, for the override file. */
  readonly overrides?: Readonly<Record<string, string | number | boolean>>
  /** Directory of the operator's own templates, looked in first (option template_path). */
  readonly templatePath?: string
}

export type TemplateFile = 'config.template' | 'override.config.template'

const ours = new URL('../datastores/', import.meta.url).pathname
const SAFE_NAME = /^[\w.+~ -]+$/

/**
 * Renders a datastore's configuration file.
 *
 * @throws CofferError CONFIG_TEMPLATE_MISSING, CONFIG_TEMPLATE_BROKEN
 */
export function renderConfig(file: TemplateFile, input: TemplateInput): string {
  const path = findTemplate(file, input)
  const engine = new nunjucks.Environment(null, {
    autoescape: false,
    throwOnUndefined: true,
    trimBlocks: false,
  })
  engine.addFilter('min', (values: number[]) => Math.min(...values))
  engine.addFilter('max', (values: number[]) => Math.max(...values))
  engine.addFilter('quoted', (value: unknown) => `'${String(value).replaceAll("'", "''")}'`)
  try {
    return engine.renderString(readFileSync(path, 'utf8'), {
      datastore: input.datastore,
      flavor: input.flavor,
      server_id: serverId(input.instanceId),
      overrides: input.overrides ?? {},
    })
  } catch (error) {
    const reason = (error as Error).message.split('\n').at(-1)?.trim()
    throw new CofferError('CONFIG_TEMPLATE_BROKEN', `The template ${path} cannot be rendered: ${reason}`, {
      hint: 'Known are flavor (id, name, ram, vcpus), datastore (name, manager, version), server_id and overrides.',
    })
  }
}

/** True when there is a template to render. */
export function hasTemplate(
  file: TemplateFile,
  input: Pick<TemplateInput, 'datastore' | 'templatePath'>,
): boolean {
  return candidates(file, input).some((path) => existsSync(path))
}

function findTemplate(file: TemplateFile, input: TemplateInput): string {
  const path = candidates(file, input).find((candidate) => existsSync(candidate))
  if (path !== undefined) return path
  const { name, version } = input.datastore
  throw new CofferError(
    'CONFIG_TEMPLATE_MISSING',
    `There is no ${file} for the datastore ${name} ${version}`,
    {
      hint: `Put one at ${join(input.templatePath ?? '/etc/trove/templates', name, file)}.`,
    },
  )
}

/** Trove's order: name and version, name, manager; the operator's directory before ours at each. */
function candidates(
  file: TemplateFile,
  { datastore, templatePath }: Pick<TemplateInput, 'datastore' | 'templatePath'>,
) {
  const { name, version, manager } = datastore
  const places = [[name, version], [name, version.split('.').slice(0, 2).join('.')], [name], [manager]]
  const safe = places.filter((parts) => parts.every((part) => SAFE_NAME.test(part) && !/^\.+$/.test(part)))
  const roots = templatePath === undefined ? [ours] : [templatePath, ours]
  return safe.flatMap((parts) => roots.map((root) => join(root, ...parts, file)))
}

/** A positive 31-bit number that stays with the instance: replicas of one set must differ (MySQL's server_id). */
export function serverId(instanceId: string): number {
  return createHash('sha256').update(instanceId).digest().readUInt32BE(0) & 0x7fffffff || 1
}
