import type {
  CompiledQuery,
  DatabaseConnection,
  Dialect,
  Driver,
  QueryResult,
  TransactionSettings,
} from 'kysely'

/** A dialect whose driver tells its errors in our own words: `translate` gives what is thrown in place of an error. */
export function translating(dialect: Dialect, translate: (error: unknown) => unknown): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => new TranslatingDriver(dialect.createDriver(), translate),
  }
}

type Translate = (error: unknown) => unknown

async function translated<T>(action: () => Promise<T>, translate: Translate): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw translate(error)
  }
}

class TranslatingDriver implements Driver {
  readonly #driver: Driver
  readonly #translate: Translate

  constructor(driver: Driver, translate: Translate) {
    this.#driver = driver
    this.#translate = translate
  }

  init(): Promise<void> {
    return this.#driver.init()
  }

  async acquireConnection(): Promise<TranslatingConnection> {
    const connection = await translated(() => this.#driver.acquireConnection(), this.#translate)
    return new TranslatingConnection(connection, this.#translate)
  }

  beginTransaction(connection: TranslatingConnection, settings: TransactionSettings): Promise<void> {
    return translated(() => this.#driver.beginTransaction(connection.inner, settings), this.#translate)
  }

  commitTransaction(connection: TranslatingConnection): Promise<void> {
    return translated(() => this.#driver.commitTransaction(connection.inner), this.#translate)
  }

  rollbackTransaction(connection: TranslatingConnection): Promise<void> {
    return translated(() => this.#driver.rollbackTransaction(connection.inner), this.#translate)
  }

  releaseConnection(connection: TranslatingConnection): Promise<void> {
    return this.#driver.releaseConnection(connection.inner)
  }

  destroy(): Promise<void> {
    return this.#driver.destroy()
  }
}

class TranslatingConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection
  readonly #translate: Translate

  constructor(inner: DatabaseConnection, translate: Translate) {
    this.inner = inner
    this.#translate = translate
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return translated(() => this.inner.executeQuery<R>(query), this.#translate)
  }

  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    return this.inner.streamQuery<R>(query, chunkSize)
  }
}
