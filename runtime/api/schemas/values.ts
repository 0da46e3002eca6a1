/** Pieces that several bodies share (Trove contract §1.3, §1.6). */

/** At least one letter or digit of ASCII in it. */
export const NAME_PATTERN = '[0-9a-zA-Z]'

export const nonEmptyString = { type: 'string', minLength: 1, maxLength: 255 } as const

export const instanceName = { type: 'string', minLength: 1, maxLength: 255, pattern: NAME_PATTERN } as const

/** The id of a flavor as text or number, or a URL that ends with it. */
export const flavorRef = {
  oneOf: [nonEmptyString, { type: 'integer' }],
} as const

/** Gigabytes as a number or as digits. */
export const volumeSize = {
  oneOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', minLength: 1, maxLength: 40, pattern: '^[0-9]+$' },
  ],
} as const

export const uuid = {
  type: 'string',
  pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
} as const

export const databases = {
  type: 'array',
  items: {
    type: 'object',
    required: ['name'],
    properties: { name: nonEmptyString, character_set: nonEmptyString, collate: nonEmptyString },
  },
} as const

export const databaseNames = {
  type: 'array',
  uniqueItems: true,
  items: { type: 'object', required: ['name'], properties: { name: nonEmptyString } },
} as const

// How long a name may be is the engine's own (model/names.ts); Kilo's 16 was MySQL 5's.
const userName = { type: 'string', minLength: 1, maxLength: 255, pattern: NAME_PATTERN } as const
const password = { type: 'string', minLength: 1, maxLength: 4096 } as const

export const users = {
  type: 'array',
  items: {
    type: 'object',
    required: ['name', 'password'],
    properties: { name: userName, password, host: nonEmptyString, databases: databaseNames },
  },
} as const

export const userPasswords = {
  type: 'array',
  items: {
    type: 'object',
    required: ['name', 'password'],
    properties: { name: userName, password, host: nonEmptyString },
  },
} as const

export const userAttributes = {
  type: 'object',
  minProperties: 1,
  additionalProperties: false,
  properties: { name: userName, password, host: nonEmptyString },
} as const

export const rootPassword = password
