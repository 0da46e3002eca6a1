/** A small file in the form of the security tracker's data, with one of everything. */
export const trackerData = {
  redis: {
    'CVE-2026-0001': {
      description: 'A client can read memory.',
      scope: 'remote',
      releases: {
        bookworm: {
          status: 'resolved',
          repositories: { bookworm: '5:7.0.15-1~deb12u1', 'bookworm-security': '5:7.0.15-1~deb12u2' },
          fixed_version: '5:7.0.15-1~deb12u2',
          urgency: 'high',
        },
        sid: {
          status: 'resolved',
          repositories: { sid: '5:8.0-1' },
          fixed_version: '5:7.2-1',
          urgency: 'high',
        },
      },
    },
    'CVE-2025-0002': {
      releases: {
        bookworm: { status: 'resolved', fixed_version: '5:7.0.15-1~deb12u1', urgency: 'medium' },
      },
    },
    'CVE-2024-0003': {
      releases: { bookworm: { status: 'open', repositories: {}, urgency: 'not yet assigned' } },
    },
    'CVE-2023-0004': { releases: { bookworm: { status: 'open', urgency: 'unimportant' } } },
    'CVE-2022-0005': { releases: { bookworm: { status: 'undetermined', urgency: 'low' } } },
    'CVE-2021-0006': { releases: { bullseye: { status: 'open', urgency: 'high' } } },
  },
  'gcc-12': {
    'CVE-2020-0007': { releases: { bookworm: { status: 'resolved', fixed_version: '0', urgency: 'high' } } },
    'TEMP-0000000-AB12CD': { releases: { bookworm: { status: 'open', urgency: 'low**' } } },
  },
  unrelated: { 'CVE-2026-9999': 'never looked into' },
}
