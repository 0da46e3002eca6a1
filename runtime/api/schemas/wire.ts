/** Bodies as they arrive after their schema let them pass. Optional everywhere the schema does not require. */

export interface DatabaseBody {
  readonly name: string
  readonly character_set?: string
  readonly collate?: string
}

export interface UserBody {
  readonly name: string
  readonly password: string
  readonly host?: string
  readonly databases?: readonly { readonly name: string }[]
}

export interface CreateBody {
  readonly name: string
  readonly flavorRef?: string | number
  readonly volume?: { readonly size: string | number; readonly type?: string | null }
  readonly databases?: readonly DatabaseBody[]
  readonly users?: readonly UserBody[]
  readonly datastore?: { readonly type?: string; readonly version?: string; readonly version_number?: string }
  readonly availability_zone?: string
  readonly nics?: readonly Readonly<Record<string, unknown>>[]
  readonly access?: AccessBody
  readonly restorePoint?: unknown
  readonly configuration?: unknown
  readonly replica_of?: unknown
  readonly slave_of?: unknown
  readonly replica_count?: number
  readonly modules?: readonly unknown[]
}

export interface AccessBody {
  readonly is_public?: boolean
  readonly allowed_cidrs?: readonly string[]
}

/** PUT and PATCH of an instance. A key's presence counts, also with null. */
export interface ModifyBody {
  readonly name?: string
  readonly configuration?: unknown
  readonly replica_of?: unknown
  readonly slave_of?: unknown
  readonly datastore_version?: unknown
  readonly access?: AccessBody
}
