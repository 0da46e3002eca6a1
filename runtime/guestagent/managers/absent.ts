import type { DatastoreManager } from '../types.ts'

/** Stands in for a manager that this agent has not got: it says so, where people look, instead of never answering. */
export function absentManager(name: string, reason: Error): DatastoreManager {
  const refuse = async (): Promise<never> => {
    throw reason
  }
  return {
    name,
    dataPath: '/',
    prepare: refuse,
    start: refuse,
    stop: refuse,
    restart: refuse,
    status: async () => 'shutdown',
  }
}
