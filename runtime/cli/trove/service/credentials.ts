import { CofferError } from '../../../../lib/errors.ts'
import type { GlobalSettings } from '../arguments/settings.ts'
import type { SessionOptions } from './session.ts'
import type { Domain } from './types.ts'

/** What to do first on a machine of one's own. */
const HINT = 'on a machine that runs "coffer up": source the openrc file it names'

/**
 * Who asks and where, from options and environment (contract §2.1).
 *
 * @param askPassword asks on the terminal; undefined when there is none
 * @throws CofferError `CREDENTIALS_MISSING` in the words of the client of OpenStack, `API_VERSION_UNKNOWN`, `AUTH_SYSTEM_UNKNOWN`,
 *   `URL_INVALID`
 */
export async function sessionOptions(
  settings: GlobalSettings,
  askPassword: (() => Promise<string>) | undefined,
): Promise<SessionOptions> {
  checkApiVersion(settings.text('os_database_api_version'))
  checkAuthSystem(settings.text('os_auth_system'))
  const bypassUrl = settings.text('bypass_url')
  const token = settings.text('os_auth_token')
  const name = settings.text('os_username')
  const userId = settings.text('os_user_id')
  const authUrl = settings.text('os_auth_url')
  if (token === undefined && name === undefined && userId === undefined) {
    throw missing('You must provide a username via either --os-username or env[OS_USERNAME]')
  }
  if (authUrl === undefined && (token === undefined || bypassUrl === undefined)) {
    throw missing(
      'You must provide an auth url via either --os-auth-url or env[OS_AUTH_URL] or specify an auth_system which ' +
        'defines a default url with --os-auth-system or env[OS_AUTH_SYSTEM]',
    )
  }
  const project = optional('name', settings.text('os_project_name'))
  const projectId = optional('id', settings.text('os_project_id'))
  if (project.name === undefined && projectId.id === undefined && token === undefined) {
    throw missing(
      'You must provide a project_id or project_name via either --os-project-id or env[OS_PROJECT_ID], ' +
        '--os-project-name or env[OS_PROJECT_NAME], --os-tenant-name or env[OS_TENANT_NAME]',
    )
  }
  return {
    credentials: {
      authUrl: checkedUrl('OS_AUTH_URL', authUrl ?? bypassUrl ?? ''),
      user: { ...optional('id', userId), ...optional('name', name), domain: domainOf(settings, 'user') },
      password: token === undefined ? await passwordOf(settings, askPassword) : undefined,
      token,
      project: { ...projectId, ...project, domain: domainOf(settings, 'project') },
    },
    wanted: {
      type: settings.text('service_type') ?? 'database',
      name: settings.text('service_name') ?? settings.text('database_service_name'),
      region: settings.text('os_region_name'),
      endpointType: settings.text('endpoint_type') ?? 'publicURL',
    },
    bypassUrl: bypassUrl === undefined ? undefined : checkedUrl('--bypass-url', bypassUrl),
  }
}

async function passwordOf(
  settings: GlobalSettings,
  askPassword: (() => Promise<string>) | undefined,
): Promise<string> {
  const given = settings.text('os_password')
  if (given !== undefined) return given
  const asked = askPassword === undefined ? '' : await askPassword()
  if (asked !== '') return asked
  throw missing('You must provide a password via either --os-password or env[OS_PASSWORD]')
}

function domainOf(settings: GlobalSettings, of: 'user' | 'project'): Domain {
  const id = settings.text(`os_${of}_domain_id`)
  const name = settings.text(`os_${of}_domain_name`)
  if (id !== undefined) return { id }
  if (name !== undefined) return { name }
  const both = settings.text('os_default_domain_name')
  return both === undefined ? { id: settings.text('os_default_domain_id') ?? 'default' } : { name: both }
}

function checkApiVersion(version: string | undefined): void {
  if (version === undefined || version === '1' || version === '1.0') return
  throw new CofferError('API_VERSION_UNKNOWN', `There is no database API version '${version}'`, {
    hint: 'leave it out, or say 1.0',
  })
}

const AUTH_SYSTEMS = /^(v2|v3)?(password|token)$|^keystone$/

function checkAuthSystem(name: string | undefined): void {
  if (name === undefined || AUTH_SYSTEMS.test(name)) return
  throw new CofferError('AUTH_SYSTEM_UNKNOWN', `There is no authentication by '${name}' here`, {
    hint: 'password and token are known; leave OS_AUTH_TYPE and OS_AUTH_SYSTEM unset',
  })
}

function checkedUrl(what: string, url: string): string {
  if (URL.canParse(url) && /^https?:/.test(url)) return url
  throw new CofferError('URL_INVALID', `${what}: '${url}' is not an http or https URL`, { hint: HINT })
}

function optional<Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: string })
}

function missing(message: string): CofferError {
  return new CofferError('CREDENTIALS_MISSING', message, { hint: HINT })
}
