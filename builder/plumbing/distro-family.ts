/** Families of distributions, for package and service maps (DIB contract §3.7, §3.8). */
const families: Readonly<Record<string, readonly string[]>> = {
  redhat: ['almalinux', 'centos', 'centos7', 'fedora', 'openeuler', 'rhel', 'rhel7', 'rocky'],
  debian: ['debian', 'ubuntu'],
  suse: ['opensuse'],
  gentoo: ['gentoo'],
}

/** The family of a distribution, undefined for one that belongs to none. */
export function distroFamily(distro: string): string | undefined {
  return Object.keys(families).find((family) => families[family]?.includes(distro))
}
