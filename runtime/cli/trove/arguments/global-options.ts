import type { OptionSpec } from './types.ts'

/** Options that stand before the subcommand (book, tables B-2 and the client's own help; contract §2.1). */
export const globalOptions: readonly OptionSpec[] = [
  { names: ['--version'], takes: 'flag', help: 'Print the version and exit.' },
  { names: ['--help', '-h'], takes: 'flag', help: 'Print this help and exit.' },
  {
    names: ['--debug'],
    takes: 'flag',
    help: 'Show each request and its answer on the error stream, without secrets.',
  },
  {
    names: ['--json', '--os-json-output'],
    takes: 'flag',
    env: ['OS_JSON_OUTPUT'],
    help: 'Print JSON instead of tables.',
  },
  text('--os-username', 'user name', ['OS_USERNAME'], 'User name.', ['--os-user-name']),
  text('--os-user-id', 'user id', ['OS_USER_ID'], 'User id, instead of the name.'),
  text('--os-password', 'password', ['OS_PASSWORD'], 'Password; asked for on a terminal when missing.'),
  text(
    '--os-project-name',
    'project name',
    ['OS_PROJECT_NAME', 'OS_TENANT_NAME'],
    'Project (tenant) to work in.',
    ['--os-tenant-name'],
  ),
  text('--os-project-id', 'project id', ['OS_PROJECT_ID', 'OS_TENANT_ID'], 'Id of the project.', [
    '--os-tenant-id',
  ]),
  text('--os-user-domain-id', 'domain id', ['OS_USER_DOMAIN_ID'], "Domain of the user (default: 'default')."),
  text('--os-user-domain-name', 'domain name', ['OS_USER_DOMAIN_NAME'], 'The same by name.'),
  text(
    '--os-project-domain-id',
    'domain id',
    ['OS_PROJECT_DOMAIN_ID'],
    "Domain of the project (default: 'default').",
  ),
  text('--os-project-domain-name', 'domain name', ['OS_PROJECT_DOMAIN_NAME'], 'The same by name.'),
  text('--os-default-domain-id', 'domain id', ['OS_DEFAULT_DOMAIN_ID', 'OS_DOMAIN_ID'], 'Domain of both.', [
    '--os-domain-id',
  ]),
  text(
    '--os-default-domain-name',
    'domain name',
    ['OS_DEFAULT_DOMAIN_NAME', 'OS_DOMAIN_NAME'],
    'The same by name.',
    ['--os-domain-name'],
  ),
  text(
    '--os-auth-url',
    'url',
    ['OS_AUTH_URL'],
    'The identity service, with or without its version (/v3 or /v2.0).',
  ),
  text(
    '--os-auth-system',
    'name',
    ['OS_AUTH_SYSTEM', 'OS_AUTH_TYPE', 'OS_AUTH_PLUGIN'],
    "How to authenticate: 'password', or 'token' with --os-auth-token (default: what there is).",
    ['--os-auth-type', '--os-auth-plugin'],
  ),
  text('--os-auth-token', 'token', ['OS_AUTH_TOKEN'], 'A token that you have, instead of a password.'),
  text('--os-region-name', 'region name', ['OS_REGION_NAME'], 'Region whose service is meant.'),
  text(
    '--service-type',
    'service type',
    ['TROVE_SERVICE_TYPE'],
    "Type in the service catalog (default: 'database').",
  ),
  text('--service-name', 'service name', ['TROVE_SERVICE_NAME'], 'Name in the service catalog.'),
  text(
    '--database-service-name',
    'service name',
    ['TROVE_DATABASE_SERVICE_NAME'],
    'The same under its older name.',
  ),
  text(
    '--endpoint-type',
    'endpoint type',
    ['TROVE_ENDPOINT_TYPE', 'OS_ENDPOINT_TYPE', 'OS_INTERFACE'],
    "Which endpoint of the catalog: 'publicURL' (the default), 'internalURL' or 'adminURL'.",
  ),
  text(
    '--bypass-url',
    'url',
    ['TROVE_BYPASS_URL'],
    'The database service itself, instead of the one in the catalog.',
  ),
  text(
    '--os-database-api-version',
    'version',
    ['OS_DATABASE_API_VERSION', 'OS_DATABASE_API_VERSIONS'],
    'Only 1.0 exists.',
    ['--database-api-version'],
  ),
  {
    names: ['--insecure'],
    takes: 'flag',
    env: ['TROVECLIENT_INSECURE'],
    help: 'Do not verify TLS certificates.',
  },
  text('--os-cacert', 'file', ['OS_CACERT'], "Certificates (PEM) to trust instead of the system's."),
  text('--os-cert', 'file', ['OS_CERT'], 'Client certificate (PEM).'),
  text('--os-key', 'file', ['OS_KEY'], 'Its key (PEM).'),
  text('--timeout', 'seconds', [], 'Give up a request after this time (default: 600).'),
  text('--retries', 'retries', [], 'How often to try again when a service cannot be reached (default: 0).'),
  text(
    '--profile',
    'key',
    ['OS_PROFILE_HMACKEY'],
    'Accepted for older scripts; there is nothing to profile here.',
  ),
]

function text(
  name: string,
  metavar: string,
  env: readonly string[],
  help: string,
  more: readonly string[] = [],
): OptionSpec {
  return { names: [name, ...more], takes: 'one', metavar: `<${metavar}>`, env, help }
}
