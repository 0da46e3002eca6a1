import { expect, test } from 'vitest'
import { parseMountFlags, parseMountPoints } from '../../../lib/mount.ts'

// Lines of /proc/PID/mountinfo, see proc(5): the flags of the mount, not those of its file system at the end.
const mountinfo = `24 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard
31 24 0:25 / /tmp rw,nosuid,nodev shared:13 - tmpfs tmpfs rw,size=1000k
60 31 254:1 /srv/my\\040hooks /tmp/a\\040b rw,nosuid,nodev,relatime - ext4 /dev/vda1 rw
61 60 254:1 /srv/other /tmp/a\\040b ro,noexec - ext4 /dev/vda1 rw
`

test('the flags of a mount are those of the last one made there, at a path with blanks too', () => {
  expect(parseMountFlags(mountinfo, '/tmp')).toEqual(['rw', 'nosuid', 'nodev'])
  expect(parseMountFlags(mountinfo, '/tmp/a b')).toEqual(['ro', 'noexec'])
  expect(parseMountFlags(mountinfo, '/tmp/a')).toBeUndefined()
})

test('mount points are read with their blanks', () => {
  expect(parseMountPoints('none / ext4 rw 0 0\nnone /tmp/a\\040b tmpfs rw 0 0\n')).toEqual(['/', '/tmp/a b'])
})
