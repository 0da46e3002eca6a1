import { access, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PrepareArgs, VolumeArgs } from '../../../rpc/guest-methods.ts'
import { writeEngineFiles } from '../../engine-files.ts'
import { rsaPair, selfSigned } from '../../tls/self-signed.ts'
import { prepareEngineVolume } from '../engine-volume.ts'
import type { ManagerHost } from '../host.ts'
import { configFiles, IMAGE_CONFIG, type MysqlFamily } from './family.ts'

/** The volume and the keys, which need no word of the control plane. Every part may have been done before. */
export async function prepareGround(
  family: MysqlFamily,
  host: ManagerHost,
  volume: VolumeArgs,
  progress: (step: string) => void,
): Promise<void> {
  // Keys are made by threads of their own while the disk works.
  await Promise.all([
    writeKeys(family, host),
    prepareEngineVolume(family.name, family.dataPath, host, volume, progress),
  ])
}

/** The server's configuration, in place of the image's. */
export async function writeConfiguration(
  family: MysqlFamily,
  args: Pick<PrepareArgs, 'memory_mb' | 'config_contents' | 'overrides'>,
): Promise<void> {
  const { memory_mb: memoryMb, config_contents: main, overrides = '' } = args
  const files = configFiles(family, { memoryMb, main, overrides })
  await writeEngineFiles(
    files.map(({ name, content }) => ({ path: join(family.configDirectory, name), content })),
    family.dataPath,
  )
  await rm(join(family.configDirectory, IMAGE_CONFIG), { force: true })
}

async function writeKeys(family: MysqlFamily, host: ManagerHost): Promise<void> {
  const at = (name: string) => join(family.tlsDirectory, name)
  // The last one written: where it is, all are.
  const done = await access(at('server-key.pem')).then(
    () => true,
    () => false,
  )
  if (done) return
  const [own, rsa] = await Promise.all([
    selfSigned(host.guestId, host.clock.now()),
    family.rsaKeys ? rsaPair() : undefined,
  ])
  const rsaFiles =
    rsa === undefined
      ? []
      : [
          { path: at('private_key.pem'), content: rsa.key, mode: 0o600 },
          { path: at('public_key.pem'), content: rsa.publicKey, mode: 0o644 },
        ]
  await writeEngineFiles(
    [
      ...rsaFiles,
      { path: at('server-cert.pem'), content: own.certificate, mode: 0o644 },
      { path: at('server-key.pem'), content: own.key, mode: 0o600 },
    ],
    family.dataPath,
  )
}
