import type { Lookup } from './lookup.ts'

/**
 * The transport's URL in one spelling. OpenStack's files write `rabbit://` for amqp; Kilo's had rabbit_host and its
 * siblings instead, in [DEFAULT] or [oslo_messaging_rabbit] (contract §7.2, options owned by libraries).
 *
 * @param url option transport_url, or its default
 */
export function transportUrl(url: string, { text }: Lookup): string {
  if (text('DEFAULT', 'transport_url') !== undefined) return url.replace(/^rabbit(?=:)/, 'amqp')
  const rabbit = (name: string) => text('oslo_messaging_rabbit', name) ?? text('DEFAULT', name)
  const host = rabbit('rabbit_host')
  if (host === undefined || host === '') return url
  const user = encodeURIComponent(rabbit('rabbit_userid') ?? 'guest')
  const password = encodeURIComponent(rabbit('rabbit_password') ?? 'guest')
  const vhost = rabbit('rabbit_virtual_host') ?? '/'
  return `amqp://${user}:${password}@${host}:${rabbit('rabbit_port') ?? '5672'}/${encodeURIComponent(vhost)}`
}
