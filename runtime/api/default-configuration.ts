import type { InstanceRecord } from '../db/types.ts'
import type { Flavor } from '../model/flavor.ts'
import type { Settings } from '../settings/types.ts'

/** `key = value` or `key value`, as all our engines write their configuration. */
const LINE = /^([A-Za-z][\w.-]*)(?:\s*=\s*|\s+)(.*)$/

/** The value as a person means it: without the quotes that a file needs. */
const bare = (value: string) => /^'(.*)'$/s.exec(value)?.[1]?.replaceAll("''", "'") ?? value

/**
 * The pairs of a rendered configuration file, every value as text. Comments, sections and includes are no pairs; a key that
 * stands twice (`save` of redis) has its values joined by a blank.
 */
export function parsePairs(text: string): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, key, value = ''] = LINE.exec(line.trim()) ?? []
    if (key === undefined) continue
    const before = pairs.get(key)
    pairs.set(key, before === undefined ? bare(value.trim()) : `${before} ${bare(value.trim())}`)
  }
  return Object.fromEntries(pairs)
}

/**
 * The default configuration of an instance: its datastore's template for this size of server.
 *
 * @throws CofferError CONFIG_TEMPLATE_MISSING, CONFIG_TEMPLATE_BROKEN
 */
export async function defaultConfiguration(
  instance: InstanceRecord,
  flavor: Flavor,
  settings: Settings,
): Promise<Readonly<Record<string, string>>> {
  // Loaded when somebody asks: the template engine is large, and an idle service does not need it.
  const { renderConfig } = await import('../../registry/templates/render.ts')
  const { datastore_name: name, datastore_manager: manager, datastore_version_name: version } = instance
  const rendered = renderConfig('config.template', {
    datastore: { name, manager, version },
    flavor,
    instanceId: instance.id,
    ...(settings.templatePath === '' ? {} : { templatePath: settings.templatePath }),
  })
  return parsePairs(rendered)
}
