/**
 * A disk of 1 MiB whose boot sector prints a text on the serial port and then stops or resets: the smallest guest.
 *
 * @param text at most 480 bytes; it starts on a new line, after what the firmware prints
 */
export function printingDisk(text: string, then: 'stop' | 'reset' = 'stop'): Uint8Array {
  const bytes = Buffer.from(`\n${text}`)
  // biome-ignore format: one instruction a line
  const code = [
    0xfa, //             cli
    0x31, 0xc0, //       xor ax, ax
    0x8e, 0xd8, //       mov ds, ax
    0xfc, //             cld
    0xbe, 0x00, 0x00, // mov si, address of the text (patched below)
    0xb9, 0x00, 0x00, // mov cx, length of the text (patched below)
    0xba, 0xf8, 0x03, // mov dx, 0x3f8: the first serial port
    0xf3, 0x6e, //       rep outsb
    ...(then === 'reset'
      ? [0xb0, 0xfe, 0xe6, 0x64] // mov al, 0xfe; out 0x64, al: the keyboard controller's reset line
      : []),
    0xf4, 0xeb, 0xfd, // hlt, again and again
  ]
  const start = 0x7c00 + code.length
  code.splice(7, 2, start & 0xff, start >> 8)
  code.splice(10, 2, bytes.length & 0xff, bytes.length >> 8)
  if (code.length + bytes.length > 510) throw new RangeError('The text does not fit into a boot sector')
  const disk = new Uint8Array(1 << 20)
  disk.set(code)
  disk.set(bytes, code.length)
  disk.set([0x55, 0xaa], 510)
  return disk
}
