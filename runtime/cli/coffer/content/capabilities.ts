/** Linux's capabilities in the order of their numbers (capabilities(7)). */
const NAMES =
  `chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
  net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot
  sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
  wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore`.split(/\s+/)

const EFFECTIVE = 1
/** Revisions of the attribute in its top byte: 32 bits, 64 bits, 64 bits for a user namespace. */
const WORDS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 2 }

/**
 * A file's capabilities as getcap(8) prints them: `cap_net_raw=ep`.
 *
 * @param value the extended attribute `security.capability`
 * @returns undefined when it cannot be understood
 */
export function capabilitiesText(value: Buffer): string | undefined {
  const words = value.length < 4 ? undefined : WORDS[value.readUInt8(3)]
  if (words === undefined || value.length < 4 + words * 8) return undefined
  const effective = (value.readUInt8(0) & EFFECTIVE) !== 0 ? 'e' : ''
  const groups = new Map<string, string[]>()
  for (let number = 0; number < words * 32; number++) {
    const at = 4 + Math.floor(number / 32) * 8
    const has = (offset: number) => ((value.readUInt32LE(at + offset) >>> (number % 32)) & 1) === 1
    const flags = `${has(4) ? 'i' : ''}${has(0) ? 'p' : ''}`
    if (flags === '') continue
    const name = `cap_${NAMES[number] ?? number}`
    groups.set(`${effective}${flags}`, [...(groups.get(`${effective}${flags}`) ?? []), name])
  }
  return [...groups].map(([flags, names]) => `${names.join(',')}=${flags}`).join(' ')
}
