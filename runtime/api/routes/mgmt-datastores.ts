import type { FastifyRequest } from 'fastify'
import type { DatastoreRegistrar, VersionPatch } from '../../../registry/db/types.ts'
import type { DatastoreVersionRow } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import type { ApiDeps, Routes } from '../deps.ts'
import { requireAdmin } from '../frame/auth.ts'
import { accepted, adminVersionAnswers } from '../schemas/answers.ts'
import { nonEmptyString } from '../schemas/values.ts'

/** Characters, as the database keeps them. */
const LONGEST_IMAGE = 36
const LONGEST_PACKAGES = 511

const packages = { type: 'array', items: nonEmptyString } as const

const fields = {
  datastore_manager: nonEmptyString,
  name: nonEmptyString,
  image: nonEmptyString,
  packages,
  active: { type: 'boolean' },
  default: { type: 'boolean' },
  version: nonEmptyString,
  image_tags: { type: 'array', maxItems: 5, items: { type: 'string', maxLength: 20 } },
  registry_ext: { type: 'string' },
  repl_strategy: { type: 'string' },
} as const

const createBody = {
  type: 'object',
  required: ['version'],
  properties: {
    version: {
      type: 'object',
      required: ['name', 'datastore_name', 'datastore_manager', 'active'],
      additionalProperties: false,
      properties: { ...fields, datastore_name: nonEmptyString },
    },
  },
  examples: [
    {
      version: {
        name: '8.0',
        datastore_name: 'mysql',
        datastore_manager: 'mysql',
        image: 'a6c9e9d0-2b9f-4d5c-9a51-2f3a3c5b9d11',
        packages: [],
        active: true,
        default: false,
      },
    },
  ],
} as const

const patchBody = {
  type: 'object',
  additionalProperties: false,
  properties: fields,
  examples: [{ active: false }],
} as const

interface VersionBody {
  readonly name?: string
  readonly datastore_name?: string
  readonly datastore_manager?: string
  readonly image?: string
  readonly packages?: readonly string[]
  readonly active?: boolean
  readonly default?: boolean
  readonly version?: string
  readonly image_tags?: readonly string[]
}

const without = (object: object) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

const patchOf = (body: VersionBody): VersionPatch =>
  without({
    name: body.name,
    manager: body.datastore_manager,
    image_id: body.image,
    packages: body.packages?.join(','),
    active: body.active,
    version: body.version,
  })

function registrar(deps: ApiDeps): DatastoreRegistrar {
  if (deps.registry === undefined)
    throw fault('NOT_IMPLEMENTED', {
      reason: 'Changing the registry is not implemented by this service yet: use trove-manage.',
    })
  return deps.registry
}

/**
 * Makes a version, and its datastore if there is none of that name.
 *
 * @throws CofferError MISSING_KEY, DATASTORE_VERSION_ALREADY_EXISTS
 */
async function createVersion(body: VersionBody, deps: ApiDeps): Promise<void> {
  const registry = registrar(deps)
  refuseTags(body)
  refuseTooLong(body)
  const { name = '', datastore_name: datastore = '', image } = body
  if (image === undefined) throw fault('MISSING_KEY', { key: 'image' })
  const number = body.version ?? name
  const { id } = await registry.putDatastore(datastore)
  const same = (await registry.versions(id)).some((one) => one.name === name && one.version === number)
  if (same) throw fault('DATASTORE_VERSION_ALREADY_EXISTS', { name, version: number })
  const version = await registry.putVersion({
    datastore: id,
    name,
    version: number,
    manager: body.datastore_manager ?? '',
    image_id: image,
    packages: (body.packages ?? []).join(','),
    active: body.active ?? false,
  })
  if (body.default === true) await registry.putDatastore(datastore, version.id)
}

/** @throws CofferError DATASTORE_VERSION_ALREADY_EXISTS */
async function changeVersion(version: DatastoreVersionRow, body: VersionBody, deps: ApiDeps): Promise<void> {
  const registry = registrar(deps)
  refuseTags(body)
  refuseTooLong(body)
  const patch = patchOf(body)
  const { name = version.name, version: number = version.version ?? name } = patch
  const others = (await registry.versions(version.datastore_id)).filter((one) => one.id !== version.id)
  if (others.some((one) => one.name === name && one.version === number))
    throw fault('DATASTORE_VERSION_ALREADY_EXISTS', { name, version: number ?? name })
  await registry.patchVersion(version.id, patch)
  if (body.default === true) await registry.putDatastore(version.datastore_name, version.id)
}

/** @throws CofferError BAD_REQUEST for what the database has no room for */
function refuseTooLong({ image = '', packages = [] }: VersionBody): void {
  const tooLong = (what: string, most: number) =>
    fault('BAD_REQUEST', { reason: `${what} is too long. Max length = ${most}.` })
  if (image.length > LONGEST_IMAGE) throw tooLong('The id of the image', LONGEST_IMAGE)
  if (packages.join(',').length > LONGEST_PACKAGES) throw tooLong('The list of packages', LONGEST_PACKAGES)
}

function refuseTags(body: VersionBody): void {
  if ((body.image_tags ?? []).length > 0 && body.image === undefined)
    throw fault('NOT_IMPLEMENTED', {
      reason: 'Choosing an image by its tags is not implemented by this service yet.',
    })
}

async function versionOf(request: FastifyRequest, deps: ApiDeps): Promise<DatastoreVersionRow> {
  const { id } = request.params as { readonly id: string }
  const version = await deps.db.datastores.versionById(id)
  // 404 here: clients go on to look for a name then.
  if (version === undefined) throw fault('NOT_FOUND', { uuid: id })
  return version
}

async function versionView(version: DatastoreVersionRow, deps: ApiDeps) {
  const datastore = await deps.db.datastores.get(version.datastore_id)
  return {
    id: version.id,
    name: version.name,
    version: version.version ?? version.name,
    datastore_id: version.datastore_id,
    datastore_name: version.datastore_name,
    datastore_manager: version.manager,
    image: version.image_id,
    image_tags: [],
    packages: version.packages.split(',').filter((name) => name !== ''),
    active: version.active,
    default: datastore?.default_version_id === version.id,
    registry_ext: null,
    repl_strategy: null,
  }
}

/** Datastore versions for administrators (Trove contract §1.11). */
export const mgmtDatastoreRoutes: Routes = (app, deps) => {
  const tags = ['management']
  const onRequest = requireAdmin
  const url = '/mgmt/datastore-versions'

  app.get(
    url,
    {
      onRequest,
      schema: { summary: 'List all datastore versions', tags, response: adminVersionAnswers.list },
    },
    async () => {
      const versions = await deps.db.datastores.allVersions()
      return { versions: await Promise.all(versions.map((version) => versionView(version, deps))) }
    },
  )
  app.get(
    `${url}/:id`,
    { onRequest, schema: { summary: 'Show any datastore version', tags, response: adminVersionAnswers.one } },
    async (request) => ({
      version: await versionView(await versionOf(request, deps), deps),
    }),
  )
  app.post(
    url,
    {
      onRequest,
      schema: { summary: 'Register a datastore version', tags, response: accepted, body: createBody },
    },
    async (request, reply) => {
      await createVersion((request.body as { readonly version: VersionBody }).version, deps)
      // No body: today's client takes one apart that it does not expect (contract §2.5 point 7).
      return reply.code(202).send()
    },
  )
  app.patch(
    `${url}/:id`,
    {
      onRequest,
      schema: { summary: 'Change a datastore version', tags, response: accepted, body: patchBody },
    },
    async (request, reply) => {
      await changeVersion(await versionOf(request, deps), request.body as VersionBody, deps)
      return reply.code(202).send()
    },
  )
  app.delete(
    `${url}/:id`,
    { onRequest, schema: { summary: 'Remove a datastore version', tags, response: accepted } },
    async (request, reply) => {
      const version = await versionOf(request, deps)
      await registrar(deps).deleteVersion(version.id)
      return reply.code(202).send()
    },
  )
  app.delete(
    '/datastores/:datastore',
    { schema: { summary: 'Remove a datastore that has no versions', tags, response: accepted } },
    async (request, reply) => {
      if (!request.auth.isAdmin) throw fault('POLICY_NOT_AUTHORIZED', { action: 'datastore:delete' })
      const { datastore: wanted } = request.params as { readonly datastore: string }
      const datastore = await deps.db.datastores.get(wanted)
      if (datastore === undefined) throw fault('DATASTORE_NOT_FOUND', { datastore: wanted })
      if ((await deps.db.datastores.versions(datastore.id)).length > 0)
        throw fault('DATASTORE_VERSIONS_EXIST', { datastore: datastore.name })
      await registrar(deps).deleteDatastore(datastore.id)
      return reply.code(202).send()
    },
  )
}
