import { exists } from '../../../lib/path-kind.ts'
import { parseSqlUrl } from '../../../lib/sql/url.ts'

/** Whether there is a database to look at: opening an SQLite database makes its file, which a look shall not. */
export async function databaseExists(url: string): Promise<boolean> {
  const target = parseSqlUrl(url)
  return target.engine !== 'sqlite' || (await exists(target.path))
}
