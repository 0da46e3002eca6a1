import type { FastifyRequest } from 'fastify'
import type { DatastoreRow, DatastoreVersionRow } from '../../db/types.ts'
import { fault } from '../../model/faults.ts'
import type { ApiDeps, Routes } from '../deps.ts'
import { linksFor } from '../frame/links.ts'
import { datastoreAnswers, flavorAnswers } from '../schemas/answers.ts'
import { datastoreView, parameterView, versionView } from '../views/datastore.ts'
import { flavorView } from '../views/flavor.ts'

interface Params {
  readonly datastore: string
  readonly version: string
  readonly name: string
}

const params = (request: FastifyRequest) => request.params as Params

async function datastoreOf(request: FastifyRequest, deps: ApiDeps): Promise<DatastoreRow> {
  const { datastore } = params(request)
  const found = await deps.db.datastores.get(datastore)
  if (found === undefined) throw fault('DATASTORE_NOT_FOUND', { datastore })
  return found
}

/** Who may see a version: those in use everybody, the others the administrator. */
const visibleTo = (request: FastifyRequest) => (version: DatastoreVersionRow) =>
  version.active || request.auth.isAdmin

/** The version by id alone, or by id or name within a datastore. A version that is not found is a 400 (contract §1.1). */
async function versionOf(request: FastifyRequest, deps: ApiDeps): Promise<DatastoreVersionRow> {
  const { datastore, version } = params(request)
  const candidates =
    datastore === undefined
      ? [await deps.db.datastores.versionById(version)]
      : await deps.db.datastores.versions((await datastoreOf(request, deps)).id)
  const seen = candidates.filter((one) => one !== undefined).filter(visibleTo(request))
  const found =
    seen.find((one) => one.id === version) ??
    (datastore === undefined
      ? undefined
      : seen.find((one) => one.name === version || one.version === version))
  if (found === undefined) throw fault('DATASTORE_VERSION_NOT_FOUND', { version })
  return found
}

/** Datastores, versions and parameters (Trove contract §1.4). */
export const datastoreRoutes: Routes = (app, deps) => {
  const tags = ['datastores']

  app.get(
    '/datastores',
    { schema: { summary: 'List datastores', tags, response: datastoreAnswers.list } },
    async (request) => {
      const links = linksFor(request, deps.settings)
      const versions = (await deps.db.datastores.allVersions()).filter(visibleTo(request))
      const views = (await deps.db.datastores.list()).map((datastore) => {
        const own = versions.filter((version) => version.datastore_id === datastore.id)
        return datastoreView(datastore, own, links, request.auth.isAdmin)
      })
      return { datastores: views.filter((view) => view.versions.length > 0 || request.auth.isAdmin) }
    },
  )
  app.get(
    '/datastores/:datastore',
    { schema: { summary: 'Show a datastore', tags, response: datastoreAnswers.one } },
    async (request) => {
      const datastore = await datastoreOf(request, deps)
      const versions = (await deps.db.datastores.versions(datastore.id)).filter(visibleTo(request))
      const links = linksFor(request, deps.settings)
      return { datastore: datastoreView(datastore, versions, links, request.auth.isAdmin) }
    },
  )
  app.get(
    '/datastores/:datastore/versions',
    { schema: { summary: 'List versions of a datastore', tags, response: datastoreAnswers.versions } },
    async (request) => {
      const datastore = await datastoreOf(request, deps)
      const versions = (await deps.db.datastores.versions(datastore.id)).filter(visibleTo(request))
      const links = linksFor(request, deps.settings)
      return { versions: versions.map((version) => versionView(version, links, request.auth.isAdmin)) }
    },
  )
  // The same by the version alone and below its datastore.
  for (const url of ['/datastores/versions/:version', '/datastores/:datastore/versions/:version']) {
    app.get(
      url,
      { schema: { summary: 'Show a datastore version', tags, response: datastoreAnswers.version } },
      async (request) => {
        const version = await versionOf(request, deps)
        return { version: versionView(version, linksFor(request, deps.settings), request.auth.isAdmin) }
      },
    )
    app.get(
      `${url}/parameters`,
      { schema: { summary: 'List configuration parameters', tags, response: datastoreAnswers.parameters } },
      async (request) => {
        const version = await versionOf(request, deps)
        const rows = await deps.db.datastores.parameters(version.id)
        return { 'configuration-parameters': rows.map(parameterView) }
      },
    )
    // No key around it: clients print the object as it comes (contract §1.4).
    app.get(
      `${url}/parameters/:name`,
      { schema: { summary: 'Show a configuration parameter', tags, response: datastoreAnswers.parameter } },
      async (request) => {
        const version = await versionOf(request, deps)
        const { name } = params(request)
        const rows = await deps.db.datastores.parameters(version.id)
        const row = rows.find((one) => one.name.toLowerCase() === name.toLowerCase())
        if (row === undefined) throw fault('NOT_FOUND', { uuid: name })
        return parameterView(row)
      },
    )
  }
  const versionUrl = '/datastores/:datastore/versions/:version'
  app.get(
    `${versionUrl}/flavors`,
    { schema: { summary: 'List flavors for a version', tags, response: flavorAnswers.list } },
    async (request) => {
      await versionOf(request, deps)
      const links = linksFor(request, deps.settings)
      return { flavors: (await deps.flavors()).map((flavor) => flavorView(flavor, links)) }
    },
  )
  app.get(
    `${versionUrl}/volume-types`,
    { schema: { summary: 'List volume types for a version', tags, response: datastoreAnswers.volumeTypes } },
    async (request) => {
      await versionOf(request, deps)
      return { volume_types: [] }
    },
  )
}
