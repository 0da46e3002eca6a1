import type { Lock } from '../../../builder/lock/lock.ts'

const digest = (letter: string) => letter.repeat(64)

/** A lock with something in every list. */
export const example: Lock = {
  lockVersion: 1,
  builder: '0.1.0',
  distribution: 'debian',
  release: 'bookworm',
  architecture: 'amd64',
  sourceDate: '2026-01-31T12:00:00Z',
  archives: { debian: 'http://mirror.example/debian', apt: 'https://vendor.example/ps/apt' },
  repositories: [
    {
      archive: 'debian',
      path: 'dists/bookworm/InRelease',
      origin: 'Debian',
      label: 'Debian',
      suite: 'stable',
      codename: 'bookworm',
      date: '2026-01-31T12:00:00Z',
      sha256: digest('a'),
      size: 1000,
    },
    { archive: 'apt', path: 'dists/bookworm/InRelease', sha256: digest('b'), size: 1001, private: true },
  ],
  indexes: [
    { archive: 'debian', path: 'dists/bookworm/main/binary-amd64/Packages.xz', sha256: digest('c'), size: 9 },
  ],
  absent: [{ archive: 'apt', path: 'dists/bookworm/Release', status: 404 }],
  packages: [
    {
      name: 'libstdc++6',
      version: '12.2.0-14+deb12u1',
      architecture: 'amd64',
      archive: 'debian',
      suite: 'bookworm',
      component: 'main',
      path: 'pool/main/g/gcc-12/libstdc++6_12.2.0-14+deb12u1_amd64.deb',
      sha256: digest('d'),
      size: 613,
    },
    {
      name: 'adduser',
      version: '3.134',
      architecture: 'all',
      archive: 'debian',
      suite: 'bookworm',
      component: 'main',
      path: 'pool/main/a/adduser/adduser_3.134_all.deb',
      sha256: digest('e'),
      size: 107,
    },
  ],
  sources: [{ name: 'app', location: 'https://git.example/app.git', ref: 'main', revision: '1'.repeat(40) }],
  downloads: [{ url: 'https://vendor.example/key.asc', sha256: digest('f'), size: 3 }],
  generated: { '/var/lib/mysql': { sha256: digest('0'), size: 42, madeFrom: digest('1') } },
}
