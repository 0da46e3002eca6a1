export interface DatastoreRow {
  readonly id: string
  readonly name: string
  readonly default_version_id: string | null
}

export interface DatastoreVersionRow {
  readonly id: string
  readonly datastore_id: string
  readonly datastore_name: string
  readonly name: string
  readonly version: string | null
  readonly image_id: string
  readonly packages: string
  readonly active: boolean
  readonly manager: string
}

/** A row of datastore_configuration_parameters: sizes are text, since they reach past 2^53 (contract §10.1). */
export interface ParameterRow {
  readonly name: string
  readonly datastore_version_id: string
  readonly restart_required: boolean
  readonly max_size: string | null
  readonly min_size: string | null
  readonly data_type: string
}

/** What exists: datastores, their versions, and the parameters that configuration groups may set. */
export interface DatastoreRepository {
  readonly list: () => Promise<readonly DatastoreRow[]>
  /** By id or name. */
  readonly get: (idOrName: string) => Promise<DatastoreRow | undefined>
  readonly versions: (datastoreId: string) => Promise<readonly DatastoreVersionRow[]>
  /** All versions of all datastores: one query for lists. */
  readonly allVersions: () => Promise<readonly DatastoreVersionRow[]>
  readonly versionById: (id: string) => Promise<DatastoreVersionRow | undefined>
  readonly parameters: (versionId: string) => Promise<readonly ParameterRow[]>
}

export interface NewVersion {
  /** Name or id of a datastore that exists. */
  readonly datastore: string
  readonly name: string
  readonly manager: string
  readonly image_id: string
  /** Comma list, as in `mysql-server-5.6`. */
  readonly packages: string
  readonly active: boolean
  /** The engine's own number; the name stands in for it. Versions are unique by name and number (contract §5.1). */
  readonly version?: string
}

export type VersionPatch = Partial<Omit<DatastoreVersionRow, 'id' | 'datastore_id' | 'datastore_name'>>

/** The writing side: trove-manage, the management API, and `build-image --register`. */
export interface DatastoreRegistrar extends DatastoreRepository {
  /**
   * `datastore_update` (contract §5.3): makes the datastore, or finds it.
   *
   * @param defaultVersion name or id of one of its versions; '' leaves the default as it is
   * @throws CofferError DATASTORE_VERSION_UNKNOWN
   */
  readonly putDatastore: (name: string, defaultVersion?: string) => Promise<DatastoreRow>
  /**
   * `datastore_version_update` (contract §5.3): makes the version or changes the one of that name (and number).
   *
   * @throws CofferError DATASTORE_UNKNOWN
   */
  readonly putVersion: (version: NewVersion) => Promise<DatastoreVersionRow>
  /** A version of a datastore by id, or by name; the number chooses between versions of one name. */
  readonly findVersion: (
    datastore: string,
    version: string,
    number?: string,
  ) => Promise<DatastoreVersionRow | undefined>
  /**
   * @returns false when there is no such version
   * @throws CofferError DATASTORE_VERSION_EXISTS when another one has that name and number
   */
  readonly patchVersion: (id: string, patch: VersionPatch) => Promise<boolean>
  /**
   * With its parameters; a datastore whose default it was has none afterwards.
   *
   * @returns false when there is no such version
   * @throws CofferError DATASTORE_VERSION_IN_USE when an instance, deleted or not, was made from it
   */
  readonly deleteVersion: (id: string) => Promise<boolean>
  /**
   * @returns false when there is no such datastore
   * @throws CofferError DATASTORE_HAS_VERSIONS
   */
  readonly deleteDatastore: (id: string) => Promise<boolean>
  /** Replaces all parameters of a version (contract §5.4, db_load_datastore_config_parameters). */
  readonly putParameters: (
    versionId: string,
    parameters: readonly Omit<ParameterRow, 'datastore_version_id'>[],
  ) => Promise<void>
}
