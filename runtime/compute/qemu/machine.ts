import type { Accelerator } from '../../../lib/acceleration.ts'
import type { Argv } from '../../../lib/exec.ts'
import { DESCRIPTORS } from './launch.ts'
import type { Forward } from './network/forwards.ts'

/**
 * Memory for translated code of an emulated guest, MiB. QEMU's own default is 1024 for each guest, and a guest that runs
 * programs with compilers of their own, as the agent is, fills it in time.
 */
const TRANSLATIONS_MIB = 256

/**
 * The processor of an emulated guest: all that TCG can do, but for what makes it slower. A fifth level of page tables is one
 * more to walk at each miss, and with fast string operations announced the guest copies and clears byte by byte, each byte a
 * round of its own here. Together they take a twelfth of a boot.
 */
const EMULATED_CPU = 'max,la57=off,erms=off'

/** Everything that decides a QEMU command line. */
export interface Machine {
  /** The QEMU program's path. */
  readonly program: string
  readonly id: string
  readonly accel: Accelerator
  readonly vcpus: number
  readonly memoryMiB: number
  readonly imageFormat: 'qcow2' | 'raw'
  /** Ids of the volumes, in the order of the guest's disks. */
  readonly volumes: readonly string[]
  readonly mac: string
  readonly network: UserNetwork | BridgeNetwork
}

/** QEMU's own network: the guest sees nobody but the hub's forwarder. */
export interface UserNetwork {
  readonly kind: 'user'
  readonly forwards: readonly Forward[]
  /** Command that leads one connection of the guest to the hub, or undefined: the guest reaches nothing. */
  readonly hubForwarder: string | undefined
}

/** A card on the driver's bridge. */
export interface BridgeNetwork {
  readonly kind: 'bridge'
  readonly tap: string
}

/** Addresses inside QEMU's own network. */
export const USER_NETWORK = {
  guest: '10.0.2.15',
  netmask: '255.255.255.0',
  range: '10.0.2.0/24',
  hub: { host: '10.0.2.100', port: 5671 },
} as const

/** The console's ring buffer: its name, and bytes. Every write beyond that drops the oldest. */
export const CONSOLE = { device: 'console', size: 128 * 1024 } as const

/**
 * The command that runs a server. Pure.
 *
 * Disks come in by descriptor (see launch.ts), sockets and the like by names in the current directory. There are no
 * probed formats, no default devices, no display, no monitor but QMP. A guest that powers itself off or panics leaves a
 * stopped machine, which can be asked for its state and its console; a guest that restarts itself just does.
 */
export function qemuCommand(machine: Machine): Argv {
  return [
    machine.program,
    ...['-name', `guest=${machine.id}`],
    ...['-nodefaults', '-no-user-config', '-sandbox', sandbox(machine.network)],
    ...['-machine', 'q35,graphics=off,hpet=off,smbus=off,sata=off,vmport=off,dump-guest-core=off'],
    ...(machine.accel === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', `tcg,thread=multi,tb-size=${TRANSLATIONS_MIB}`, '-cpu', EMULATED_CPU]),
    ...['-smp', String(machine.vcpus), '-m', String(machine.memoryMiB)],
    ...['-rtc', 'base=utc', '-boot', 'strict=on', '-action', 'reboot=reset,shutdown=pause,panic=pause'],
    ...['-qmp', 'unix:qmp.sock,server=on,wait=off'],
    ...[
      '-chardev',
      `ringbuf,id=${CONSOLE.device},size=${CONSOLE.size}`,
      '-serial',
      `chardev:${CONSOLE.device}`,
    ],
    ...disks(machine),
    ...network(machine),
    ...['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ...['-device', 'pvpanic-pci'],
    ...['-display', 'none', '-vga', 'none', '-monitor', 'none', '-parallel', 'none'],
  ]
}

/**
 * System calls that QEMU gives up. The forwarder to the hub is a program that QEMU's own network starts for each
 * connection, in a session of its own (setsid, which the filter counts among the privileges): there both stay allowed.
 * Nothing can be gained by it, since the process has no privilege and has given up getting any (see launch.ts).
 */
function sandbox(net: Machine['network']): string {
  const strict = net.kind === 'bridge' || net.hubForwarder === undefined
  const [privileges, spawn] = strict ? ['deny', 'deny'] : ['allow', 'allow']
  return `on,obsolete=deny,elevateprivileges=${privileges},spawn=${spawn},resourcecontrol=deny`
}

function disks({ imageFormat, volumes }: Machine): string[] {
  const file = (name: string, descriptor: number, mode: '' | 'read-only') => [
    ...['-add-fd', `fd=${descriptor},set=${descriptor}`],
    '-blockdev',
    `driver=file,node-name=${name}-file,filename=/dev/fdset/${descriptor},aio=threads,discard=unmap${mode === '' ? '' : ',read-only=on,auto-read-only=off'}`,
  ]
  const node = (name: string, options: string) => [
    '-blockdev',
    `node-name=${name},file=${name}-file,${options}`,
  ]
  return [
    ...file('image', DESCRIPTORS.image, 'read-only'),
    ...node('image', `driver=${imageFormat},read-only=on`),
    ...file('root', DESCRIPTORS.overlay, ''),
    ...node('root', 'driver=qcow2,backing=image,discard=unmap,detect-zeroes=unmap'),
    ...volumes.flatMap((_, n) => [
      ...file(`volume${n}`, DESCRIPTORS.firstVolume + n, ''),
      ...node(`volume${n}`, 'driver=raw,discard=unmap,detect-zeroes=unmap'),
    ]),
    ...file('config', DESCRIPTORS.configDrive, 'read-only'),
    ...node('config', 'driver=raw,read-only=on'),
    // In this order they become vda, vdb… in the guest; the config drive is found by its label.
    ...blockDevice('root', 'bootindex=0'),
    ...volumes.flatMap((id, n) => blockDevice(`volume${n}`, `serial=${id.slice(0, 20)}`)),
    ...blockDevice('config', 'serial=config'),
  ]
}

/** A disk whose writes the host may keep in memory until the guest asks for a flush, which is always honoured. */
function blockDevice(node: string, options: string): string[] {
  const writes = node === 'config' ? '' : ',write-cache=on,werror=enospc,rerror=report'
  return ['-device', `virtio-blk-pci,id=disk-${node},drive=${node},${options}${writes}`]
}

function network({ network: net, mac }: Machine): string[] {
  const card = ['-device', `virtio-net-pci,netdev=net0,mac=${mac},romfile=`]
  if (net.kind === 'bridge') {
    return ['-netdev', `tap,id=net0,ifname=${net.tap},script=no,downscript=no,vhost=off`, ...card]
  }
  const { range, hub } = USER_NETWORK
  const guestForward =
    net.hubForwarder === undefined
      ? ''
      : `,guestfwd=tcp:${hub.host}:${hub.port}-cmd:${net.hubForwarder.replaceAll(',', ',,')}`
  const hostForwards = net.forwards.map((forward) => `,hostfwd=${forwardText(forward)}`)
  return [
    '-netdev',
    `user,id=net0,restrict=on,ipv6=off,net=${range}${guestForward}${hostForwards.join('')}`,
    ...card,
  ]
}

/** A forward as `hostfwd=` and the monitor's `hostfwd_add` want it. */
export function forwardText({ protocol, address, port }: Forward): string {
  return `${protocol}:${address}:${port}-${USER_NETWORK.guest}:${port}`
}
