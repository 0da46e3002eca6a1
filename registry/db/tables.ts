/** Tables by Trove's names (contract §5.1). Flags are 0 or 1, times are text in UTC (lib/sql/time). */
export interface RegistryTables {
  readonly datastores: {
    readonly id: string
    readonly name: string
    readonly default_version_id: string | null
  }
  readonly datastore_versions: {
    readonly id: string
    readonly datastore_id: string
    readonly name: string
    readonly version: string
    readonly image_id: string
    readonly packages: string
    readonly active: number
    readonly manager: string
  }
  readonly datastore_configuration_parameters: {
    readonly id: string
    readonly name: string
    readonly datastore_version_id: string
    readonly restart_required: number
    readonly max_size: string | null
    readonly min_size: string | null
    readonly data_type: string
    readonly deleted: number
    readonly deleted_at: string | null
  }
}
