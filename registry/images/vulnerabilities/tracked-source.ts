/**
 * The source package that the tracker knows a source by. Debian signs boot code in source packages of their own, whose
 * versions are made from the one that was signed with `+` for its dash; issues are tracked under the latter.
 */
export function trackedSource(
  name: string,
  version: string,
): { readonly name: string; readonly version: string } {
  // linux-signed-amd64 6.1.192+2 is linux 6.1.192-2.
  if (/^linux-signed-[a-z0-9]+$/.test(name)) return { name: 'linux', version: version.replace('+', '-') }
  // grub-efi-amd64-signed 1+2.06+13+deb12u1 is grub2 2.06-13+deb12u1.
  const [, grub] = /^1\+(.+)$/.exec(version) ?? []
  if (/^grub-efi-[a-z0-9]+-signed$/.test(name) && grub !== undefined) {
    return { name: 'grub2', version: grub.replace('+', '-') }
  }
  return { name, version }
}
