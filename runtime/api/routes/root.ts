import { CofferError } from '../../../lib/errors.ts'
import { fault } from '../../model/faults.ts'
import { checkPassword } from '../../model/names.ts'
import type { Routes } from '../deps.ts'
import { askGuest } from '../guest.ts'
import { gone, guestAnswers } from '../schemas/answers.ts'
import { rootPassword } from '../schemas/values.ts'
import { rootView } from '../views/guest-objects.ts'
import { runningInstance } from './databases.ts'

const enableBody = {
  type: ['object', 'null'],
  properties: { password: rootPassword },
  examples: [{}],
} as const

/** Whether the guest may have done what it did not confirm in time. */
const mayHaveHappened = (error: unknown): boolean =>
  error instanceof CofferError && error.code === 'GUEST_TIMEOUT'

/** The engine's superuser (Trove contract §1.6). */
export const rootRoutes: Routes = (app, deps) => {
  const tags = ['root']
  const url = '/instances/:id/root'

  // "Enabled" means ever enabled: what was once open is no longer the service's to vouch for.
  app.get(
    url,
    { schema: { summary: 'Tell whether root was ever enabled', tags, response: guestAnswers.rootEnabled } },
    async (request) => {
      const instance = await runningInstance(request, deps)
      return { rootEnabled: (await deps.db.rootHistory.get(instance.id)) !== undefined }
    },
  )
  app.post(
    url,
    { schema: { summary: 'Enable root', tags, response: guestAnswers.root, body: enableBody } },
    async (request) => {
      const instance = await runningInstance(request, deps)
      const { password } = (request.body ?? {}) as { readonly password?: string }
      if (password !== undefined) checkPassword(password)
      const [method, args] =
        password === undefined
          ? (['enable_root', {}] as const)
          : (['enable_root_with_password', { root_password: password }] as const)
      const report = () => deps.db.rootHistory.report(instance.id, request.auth.userName)
      const answer = await askGuest(request, deps, instance, method, args).catch(async (error: unknown) => {
        if (mayHaveHappened(error)) await report()
        throw error
      })
      const user = rootView(answer, method)
      await report()
      return { user }
    },
  )
  app.delete(url, { schema: { summary: 'Disable root', tags, response: gone } }, async (request, reply) => {
    const instance = await runningInstance(request, deps)
    if ((await deps.db.rootHistory.get(instance.id)) === undefined) throw fault('ROOT_HISTORY_NOT_FOUND')
    await askGuest(request, deps, instance, 'disable_root')
    return reply.code(204).send()
  })
}
