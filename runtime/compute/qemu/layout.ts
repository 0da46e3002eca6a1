import { join } from 'node:path'
import { CofferError } from '../../../lib/errors.ts'

/** Where one server keeps its things. All but `work` belongs to the account that runs us and is closed to others. */
export interface ServerPaths {
  readonly directory: string
  /** Under this name it is built; only a rename makes it a server. */
  readonly building: string
  readonly record: string
  readonly overlay: string
  readonly configDrive: string
  /** Process id, start time and boot id of QEMU. */
  readonly process: string
  /** The end of the serial console, as far as it was taken from QEMU. */
  readonly console: string
  /** QEMU's own complaints. */
  readonly qemuLog: string
  /** QEMU's current directory, which belongs to the guest's user id: the one place where QEMU can make files. */
  readonly work: string
  readonly qmpSocket: string
}

/** Where one volume keeps its things. */
export interface VolumePaths {
  readonly directory: string
  readonly building: string
  readonly record: string
  readonly data: string
}

/** The directories below the state directory that the driver uses. */
export interface Layout {
  readonly instances: string
  readonly volumes: string
  readonly slots: string
  readonly flavors: string
  readonly acceleration: string
  readonly server: (id: string) => ServerPaths
  readonly volume: (id: string) => VolumePaths
}

/** Suffix of what is being built. Ids have no dots, so no id can be taken for it. */
export const BUILDING = '.new'

/** The layout below a state directory. The functions throw `ID_INVALID` for ids that could leave it. */
export function layoutOf(stateDir: string): Layout {
  const instances = join(stateDir, 'instances')
  const volumes = join(stateDir, 'volumes')
  return {
    instances,
    volumes,
    slots: join(instances, '.slots'),
    flavors: join(stateDir, 'flavors.yaml'),
    acceleration: join(stateDir, 'acceleration.json'),
    server: (id) => serverPaths(join(instances, checked(id))),
    volume(id) {
      const directory = join(volumes, checked(id))
      return {
        directory,
        building: `${directory}${BUILDING}`,
        record: join(directory, 'volume.json'),
        data: join(directory, 'data.raw'),
      }
    },
  }
}

/** The paths of a server in a directory: its final one, or the one it is built in. */
export function serverPaths(directory: string): ServerPaths {
  const work = join(directory, 'work')
  return {
    directory,
    building: `${directory}${BUILDING}`,
    record: join(directory, 'server.json'),
    overlay: join(directory, 'overlay.qcow2'),
    configDrive: join(directory, 'config.img'),
    process: join(directory, 'process'),
    console: join(directory, 'console.log'),
    qemuLog: join(directory, 'qemu.log'),
    work,
    qmpSocket: join(work, 'qmp.sock'),
  }
}

function checked(id: string): string {
  if (isId(id)) return id
  throw new CofferError('ID_INVALID', `${JSON.stringify(id)} cannot be the id of a server or volume`, {
    hint: 'Ids are letters, digits, dashes and underscores, at most 64, as a UUID is.',
  })
}

/** True for what can be an id. */
export function isId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id)
}
