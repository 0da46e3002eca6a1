import { fault } from '../../model/faults.ts'
import type { Routes } from '../deps.ts'
import { linksFor } from '../frame/links.ts'
import { flavorAnswers } from '../schemas/answers.ts'
import { flavorView } from '../views/flavor.ts'

/** Sizes of servers (Trove contract §1.4). */
export const flavorRoutes: Routes = (app, deps) => {
  const tags = ['flavors']

  app.get(
    '/flavors',
    { schema: { summary: 'List flavors', tags, response: flavorAnswers.list } },
    async (request) => {
      const links = linksFor(request, deps.settings)
      return { flavors: (await deps.flavors()).map((flavor) => flavorView(flavor, links)) }
    },
  )
  app.get(
    '/flavors/:flavor',
    { schema: { summary: 'Show a flavor', tags, response: flavorAnswers.one } },
    async (request) => {
      const { flavor: id } = request.params as { readonly flavor: string }
      const flavor = (await deps.flavors()).find((one) => one.id === id)
      // 404 and not the 400 of a create: clients go on to look for a name then (contract §2.5 point 15).
      if (flavor === undefined) throw fault('NOT_FOUND', { uuid: id })
      return { flavor: flavorView(flavor, linksFor(request, deps.settings)) }
    },
  )
}
