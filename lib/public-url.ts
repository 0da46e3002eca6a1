/**
 * An address that may be shown to others: without user, password, query and fragment, where credentials and signatures
 * stand. Text that is no address stays as it is, but for what looks like a password in it.
 */
export function publicUrl(address: string): string {
  const url = URL.parse(address)
  if (url === null) return address.replace(/\/\/[^/@\s]*@/g, '//')
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  // What has no host (`file:`, `mailto:`) keeps no user either; the text is already without.
  return url.href
}
