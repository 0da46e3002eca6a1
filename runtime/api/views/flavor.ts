import type { Flavor } from '../../model/flavor.ts'
import type { Links } from '../frame/links.ts'

/** `id` is an integer or null, `str_id` always the text (Trove contract §10.1 point 6). */
export function flavorView(flavor: Flavor, links: Links) {
  const isNumber = /^\d{1,15}$/.test(flavor.id)
  return {
    id: isNumber ? Number(flavor.id) : null,
    str_id: flavor.id,
    name: flavor.name,
    ram: flavor.ram,
    vcpus: flavor.vcpus,
    disk: flavor.disk,
    ephemeral: flavor.ephemeral,
    links: links('flavors', flavor.id),
  }
}
