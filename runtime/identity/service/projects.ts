import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import {
  addProject,
  changeProject,
  keepingAnAdmin,
  newProject,
  type ProjectPatch,
  removeProject,
} from '../changes.ts'
import { notFound } from '../errors.ts'
import type { ProjectRecord } from '../records.ts'
import { type IdentityApp, type IdentityDeps, listLinks, matchesFilters, permit, selfLink } from './frame.ts'

const Fields = {
  name: Type.String({ minLength: 1, maxLength: 64 }),
  description: Type.Optional(Type.Union([Type.String({ maxLength: 4096 }), Type.Null()])),
  enabled: Type.Optional(Type.Boolean()),
}
const CreateBody = Type.Object({ project: Type.Object(Fields) })
const ChangeBody = Type.Object({ project: Type.Partial(Type.Object(Fields)) })
const Params = Type.Object({ id: Type.String() })

/** `/v3/projects`: tenants. */
export function projectRoutes(app: IdentityApp, deps: IdentityDeps): void {
  const { store } = deps

  app.get('/v3/projects', (request) => {
    permit(deps, request, 'list_projects')
    return {
      projects: store
        .view()
        .data.projects.filter((project) => matchesFilters(request.query, project))
        .map((project) => projectV3(deps, request, project)),
      links: listLinks(deps, request, '/projects'),
    }
  })
  app.get('/v3/projects/:id', { schema: { params: Params } }, (request) => {
    const { id } = request.params
    permit(deps, request, 'get_project', ({ user }) => store.view().rolesOf(user.id, id).length > 0)
    const project = store.view().project(id)
    if (project === undefined) throw notFound('project', id)
    return { project: projectV3(deps, request, project) }
  })
  app.post('/v3/projects', { schema: { body: CreateBody } }, async (request, reply) => {
    permit(deps, request, 'create_project')
    const { name } = request.body.project
    const project = newProject({ ...patchOf(request.body.project), name })
    await store.change(addProject(project))
    return reply.code(201).send({ project: projectV3(deps, request, project) })
  })
  app.patch('/v3/projects/:id', { schema: { params: Params, body: ChangeBody } }, async (request) => {
    permit(deps, request, 'update_project')
    const { id } = request.params
    const edit = changeProject(id, patchOf(request.body.project))
    const project = (await store.change(keepingAnAdmin(edit, deps.adminRoles))).project(id)
    if (project === undefined) throw notFound('project', id)
    return { project: projectV3(deps, request, project) }
  })
  app.delete('/v3/projects/:id', { schema: { params: Params } }, async (request, reply) => {
    permit(deps, request, 'delete_project')
    await store.change(keepingAnAdmin(removeProject(request.params.id), deps.adminRoles))
    return reply.code(204).send()
  })
}

function patchOf(body: Partial<Type.Static<typeof CreateBody>['project']>): ProjectPatch {
  return {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.description === undefined ? {} : { description: body.description ?? '' }),
    ...(body.enabled === undefined ? {} : { enabled: body.enabled }),
  }
}

/** A project as v3 shows it. */
export const projectV3 = (deps: IdentityDeps, request: FastifyRequest, project: ProjectRecord) => ({
  id: project.id,
  name: project.name,
  description: project.description,
  enabled: project.enabled,
  domain_id: 'default',
  parent_id: 'default',
  is_domain: false,
  tags: [],
  options: {},
  links: { self: selfLink(deps, request, `/projects/${project.id}`) },
})
