// What the service answers, for the OpenAPI document. The service itself sends its views as they are; a test holds the two
// together.

type Properties = Readonly<Record<string, object>>

const text = { type: 'string' } as const
const integer = { type: 'integer' } as const
const flag = { type: 'boolean' } as const
const time = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d$' } as const
const list = (items: object) => ({ type: 'array', items })
const texts = list(text)

/** An object whose keys are always there, save those after the first argument. Other keys are never sent. */
const object = (always: Properties, sometimes: Properties = {}) => ({
  type: 'object',
  required: Object.keys(always),
  properties: { ...always, ...sometimes },
  additionalProperties: false,
})

const answer = (description: string, schema: object) => ({ 200: { description, ...schema } })
const empty = (description: string) => ({ description, type: 'null' })

export const accepted = { 202: empty('Accepted') }
export const gone = { 204: empty('Done') }

const link = object({ rel: text, href: text })
const links = list(link)
const named = object({ name: text })
const reference = object({ id: text, links })
/** The next page, where there is one. */
const paged = { links }

const instanceFields = {
  id: text,
  name: text,
  status: text,
  operating_status: text,
  links,
  flavor: reference,
  datastore: object({ type: text, version: text }, { version_number: text }),
  region: text,
  access: object({ is_public: flag }, { allowed_cidrs: texts }),
} as const

const instanceOptional = {
  volume: object({ size: integer }, { used: { type: 'number' }, used_percent: { type: 'number' } }),
  ip: texts,
  hostname: text,
  addresses: list(object({ address: text, type: text })),
  replica_of: reference,
  replicas: list(reference),
  tenant_id: text,
} as const

const detailFields = { ...instanceFields, created: time, updated: time } as const

const detailOptional = {
  ...instanceOptional,
  service_status_updated: time,
  local_storage: object({ used: { type: 'number' } }),
  configuration: reference,
  cluster_id: text,
  shard_id: text,
  fault: object({ message: text, details: text, created: time }),
  password: text,
  server_id: text,
  volume_id: text,
  encrypted_rpc_messaging: flag,
} as const

const mgmtFields = {
  tenant_id: text,
  deleted: flag,
  deleted_at: { oneOf: [time, { type: 'null' }] },
  service_status: text,
  task_description: text,
  guest_status: object({ state_description: text }),
} as const

const server = object({ id: text, name: text, status: { type: ['string', 'null'] }, tenant_id: text })
const rootFields = { root_enabled: text, root_enabled_by: text } as const

export const instanceAnswers = {
  list: answer(
    'A page of instances',
    object({ instances: list(object(instanceFields, instanceOptional)) }, paged),
  ),
  detail: answer(
    'A page of instances',
    object({ instances: list(object(detailFields, detailOptional)) }, paged),
  ),
  one: answer('The instance', object({ instance: object(detailFields, detailOptional) })),
  configuration: answer(
    'Every value as text',
    object({ instance: object({ configuration: { type: 'object', additionalProperties: text } }) }),
  ),
} as const

export const mgmtAnswers = {
  list: answer(
    'A page of instances',
    object(
      {
        instances: list(
          object({ ...instanceFields, ...mgmtFields }, { ...instanceOptional, server_id: text, server }),
        ),
      },
      paged,
    ),
  ),
  one: answer(
    'The instance',
    object({
      instance: object({ ...detailFields, ...mgmtFields, ...rootFields }, { ...detailOptional, server }),
    }),
  ),
  root: answer('Who enabled root', object({ root_history: object({ id: text, enabled: text, user: text }) })),
  quotas: answer(
    'What the project has and may have',
    object({ quotas: list(object({ resource: text, in_use: integer, reserved: integer, limit: integer })) }),
  ),
  limits: answer(
    'The limits that were set',
    object({ quotas: { type: 'object', additionalProperties: integer } }),
  ),
} as const

const user = object({ name: text, host: text, databases: list(named) })

export const guestAnswers = {
  databases: answer('A page of databases', object({ databases: list(named) }, paged)),
  access: answer('The databases', object({ databases: list(named) })),
  users: answer('A page of users', object({ users: list(user) }, paged)),
  user: answer('The user', object({ user })),
  rootEnabled: answer('Whether root was ever enabled', object({ rootEnabled: flag })),
  root: answer('The superuser and its password', object({ user: object({ name: text, password: text }) })),
} as const

const nestedVersion = { id: text, name: text, version: text, links } as const
const versionOptional = { active: flag, packages: text, image: text } as const
const version = object({ ...nestedVersion, datastore: text }, versionOptional)
const datastore = object(
  { id: text, name: text, links, versions: list(object(nestedVersion, versionOptional)) },
  { default_version: text },
)
const parameter = object(
  { name: text, datastore_version_id: text, restart_required: flag, type: text },
  { max: integer, min: integer },
)

export const datastoreAnswers = {
  list: answer('The datastores', object({ datastores: list(datastore) })),
  one: answer('The datastore', object({ datastore })),
  versions: answer('The versions', object({ versions: list(version) })),
  version: answer('The version', object({ version })),
  parameters: answer('The parameters', object({ 'configuration-parameters': list(parameter) })),
  parameter: answer('The parameter, without a key around it', parameter),
  volumeTypes: answer('None', object({ volume_types: list({ type: 'object' }) })),
} as const

const adminVersion = object({
  id: text,
  name: text,
  version: text,
  datastore_id: text,
  datastore_name: text,
  datastore_manager: text,
  image: text,
  image_tags: texts,
  packages: texts,
  active: flag,
  default: flag,
  registry_ext: { type: 'null' },
  repl_strategy: { type: 'null' },
})

export const adminVersionAnswers = {
  list: answer('All versions', object({ versions: list(adminVersion) })),
  one: answer('The version', object({ version: adminVersion })),
} as const

const flavor = object({
  id: { type: ['integer', 'null'] },
  str_id: text,
  name: text,
  ram: integer,
  vcpus: integer,
  disk: integer,
  ephemeral: integer,
  links,
})

export const flavorAnswers = {
  list: answer('The flavors', object({ flavors: list(flavor) })),
  one: answer('The flavor', object({ flavor })),
} as const

const rule = { id: text, protocol: text, from_port: integer, to_port: integer, cidr: text } as const
const group = object({
  id: text,
  name: text,
  description: text,
  instance_id: text,
  rules: list(object(rule)),
  links,
  created: time,
  updated: time,
})

export const securityGroupAnswers = {
  list: answer('The groups', object({ security_groups: list(group) })),
  one: answer('The group', object({ security_group: group })),
  rules: {
    201: {
      description: 'The rules, one for each range of ports',
      ...object({ security_group_rule: list(object({ ...rule, security_group_id: text, created: time })) }),
    },
  },
} as const

export const limitAnswers = answer(
  'What the project may have, then the rates',
  object({ limits: list({ type: 'object' }) }),
)

/** What a guest says of its machine, as it says it. */
export const plainAnswer = (name: string) =>
  answer('What the guest says', object({ [name]: { type: 'object' } }))

/** A collection that has no members yet. */
export const emptyList = (name: string) => answer('None', object({ [name]: list({ type: 'object' }) }))

/** Every refusal (Trove contract §1.1). */
export const faultAnswer = {
  description: 'A fault: the only key is its name',
  type: 'object',
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: {
    type: 'object',
    required: ['code', 'message'],
    properties: { code: integer, message: text, details: text, retryAfter: text },
  },
} as const
