import type { ConfigRenderer } from '../taskmanager/services.ts'

/**
 * Renders datastores' configuration files for the task manager.
 *
 * @param templatePath directory whose templates go before ours; empty for none
 */
export const configRenderer =
  (templatePath: string): ConfigRenderer =>
  async ({ manager, datastore, version, flavor, instanceId }) => {
    // Loaded at the first create: nunjucks is large, and an idle service does not need it.
    const { renderConfig } = await import('../../registry/templates/render.ts')
    return renderConfig('config.template', {
      datastore: { name: datastore, manager, version },
      flavor,
      instanceId,
      ...(templatePath === '' ? {} : { templatePath }),
    })
  }
