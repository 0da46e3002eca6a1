import { fault } from '../../model/faults.ts'
import { defaultConfiguration } from '../default-configuration.ts'
import type { Routes } from '../deps.ts'
import { instanceAnswers } from '../schemas/answers.ts'
import { instanceOf } from './instance-lookup.ts'

/** GET /instances/{id}/configuration: what the datastore's template gives a server of this size (Trove contract §1.3). */
export const instanceConfigurationRoutes: Routes = (app, deps) => {
  const schema = {
    summary: 'Show the default configuration of an instance',
    tags: ['instances'],
    response: instanceAnswers.configuration,
  }
  app.get('/instances/:id/configuration', { schema }, async (request) => {
    const instance = await instanceOf(request, deps)
    const flavor = (await deps.flavors()).find((one) => one.id === instance.flavor_id)
    if (flavor === undefined) throw fault('FLAVOR_NOT_FOUND', { uuid: instance.flavor_id })
    return { instance: { configuration: await defaultConfiguration(instance, flavor, deps.settings) } }
  })
}
