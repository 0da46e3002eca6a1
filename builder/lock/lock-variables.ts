/** Variables of scripts outside of the chroot; they never cross into it (phases/environment.ts). */
export const lockVariables = {
  /** File that records what scripts take from elsewhere. */
  record: 'COFFER_RECORD',
  /** The lock file of a locked build. */
  locked: 'COFFER_LOCKED',
  /** Set in a build that makes a lock. */
  locking: 'COFFER_LOCKING',
} as const
