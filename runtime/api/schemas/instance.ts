import { databases, flavorRef, instanceName, nonEmptyString, users, uuid, volumeSize } from './values.ts'

const access = {
  type: 'object',
  properties: {
    is_public: { type: 'boolean' },
    allowed_cidrs: { type: 'array', items: nonEmptyString },
  },
} as const

/** POST /instances. Unknown keys are ignored: clients of every age send some (Trove contract §1.3, §2.5 point 9). */
export const createInstanceBody = {
  type: 'object',
  required: ['instance'],
  properties: {
    instance: {
      type: 'object',
      // Today's API takes a create without a flavor for replicas; the handler says what is missing otherwise.
      required: ['name'],
      properties: {
        name: instanceName,
        flavorRef,
        volume: {
          type: 'object',
          required: ['size'],
          properties: { size: volumeSize, type: { oneOf: [nonEmptyString, { type: 'null' }] } },
        },
        databases,
        users,
        restorePoint: {
          type: 'object',
          required: ['backupRef'],
          properties: { backupRef: uuid },
        },
        availability_zone: nonEmptyString,
        datastore: {
          type: 'object',
          properties: { type: nonEmptyString, version: nonEmptyString, version_number: nonEmptyString },
        },
        nics: { type: 'array', maxItems: 1, items: { type: 'object' } },
        replica_count: { type: 'integer', minimum: 1, maximum: 3 },
        modules: { type: 'array', items: { type: 'object' } },
        access,
      },
    },
  },
  examples: [
    {
      instance: {
        name: 'm1',
        flavorRef: '2',
        volume: { size: 1 },
        databases: [{ name: 'db1' }],
        users: [{ name: 'user1', password: 'password1', databases: [{ name: 'db1' }] }],
      },
    },
  ],
} as const

/** PUT and PATCH: what is not named stays; unknown keys are ignored, since old clients send the whole view back. */
export const modifyInstanceBody = {
  type: 'object',
  required: ['instance'],
  properties: { instance: { type: 'object', properties: { name: instanceName, access } } },
  examples: [{ instance: { name: 'm2' } }],
} as const

/** POST …/action: exactly one action; which ones exist is the handler's to say (contract §1.3). */
export const actionBody = {
  type: 'object',
  examples: [{ restart: {} }],
} as const
