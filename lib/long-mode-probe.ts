/**
 * The boot sector assembled from `long-mode-probe.S`, which explains every instruction: 16 lines of 32 bytes.
 * A test assembles the source again and fails when these bytes differ.
 */
const assembled: readonly string[] = [
  'fa31c08ed88ed0bc007cb0ffe621e6a1b800108ec031ffb900146631c0fc66f3',
  'ab2666c7060000031001002666c706001003200100bf002066b883000000b900',
  '022666890566050000200083c708e2f10f0116d87d66b8200000000f22e066b8',
  '000001000f22d866b9800000c00f320d00010f3066b8110000800f22c0ea827c',
  '0800b8100000008ed88ec08ed0bc007c0000b301b9800000c00f3266a900040f',
  '84f1000000fec3b9010100c0b85a5a5a5aba341200000f3031c00f323d5a5a5a',
  '5a0f85cf000000fec3bf00000001b9000030004889d8f348abbef8ff7f02bff8',
  'ffff03b900003000fdf348a5fcbf00008002b900003000f348af0f8596000000',
  'fec3b883000001bf000000048b17890425002101000f013f881c250000000138',
  '1f7573fec331c0530fa25b0f3189c6f3900f3129f0745fb89d7d0000bf003201',
  '00668907c747020800008ec6470400c647058e66c7470600000f011c25de7d00',
  '00b011e620b020e621b004e621b001e621b0fee621fec3fbf4803c2500400100',
  '0372f5fabeac7d0000b91400000066baf803f36eb31088d8e6f4f4ebfdfe0425',
  '0040010050b020e6205848cf636f666665722d6c6f6e672d6d6f64653a6f6b0a',
  '0000000000000000ffff0000009baf00ffff00000093cf001700c07d00000f02',
  '00300100000000000000000000000000000000000000000000000000000055aa',
]

/** What the probe prints on the serial port when every check has passed. */
export const PROBE_TOKEN = 'coffer-long-mode:ok'
/** QEMU's exit status when the probe leaves through the debug exit port with 0x10: (0x10 << 1) | 1. */
export const PROBE_STATUS = 33

/** The probe as a disk of one sector: 512 bytes, a fresh copy each time. */
export function longModeProbe(): Uint8Array {
  return Uint8Array.from(Buffer.from(assembled.join(''), 'hex'))
}
