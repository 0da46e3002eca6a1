/** A size of server, as Nova names and the book's flavor-list shows them. */
export interface Flavor {
  /** What users type: `2`. Always a string here; the API also shows an integer when it is one (contract §1.4). */
  readonly id: string
  readonly name: string
  /** Memory in MiB. */
  readonly ram: number
  readonly vcpus: number
  /** Root disk in GiB; 0 means the image's own size. */
  readonly disk: number
  /** Second local disk in GiB. */
  readonly ephemeral: number
}
