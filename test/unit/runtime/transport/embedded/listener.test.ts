import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { listen } from '../../../../../runtime/transport/embedded/listener.ts'
import { clientTls, preludeLine, pskOf } from '../../../../../runtime/transport/embedded/psk.ts'
import { silentLog } from '../../../../../runtime/transport/log.ts'

async function stranger(port: number, line: string): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(line)
  return socket
}

test('who names an identity and never proves it gives way to others, and keeps nobody out', async () => {
  const peers: string[] = []
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    keyOf: async () => pskOf('secret'),
    onPeer: (socket, identity) => {
      peers.push(identity)
      onTestFinished(() => void socket.destroy())
    },
    log: silentLog,
    maxStrangers: 5,
  })
  onTestFinished(() => listener.close())

  const silent: Socket[] = []
  for (let n = 0; n < 8; n++) silent.push(await stranger(listener.port, preludeLine('guest:a')))
  await vi.waitFor(() => expect(silent.filter((socket) => socket.closed)).toHaveLength(3))
  expect(silent.slice(0, 3).every((socket) => socket.closed)).toBe(true)

  for (let n = 0; n < 6; n++) {
    const tcp = await stranger(listener.port, preludeLine('guest:b'))
    const secure = connectTls({ ...clientTls('guest:b', 'secret'), socket: tcp })
    secure.on('error', () => undefined)
    await new Promise((resolve) => secure.once('secureConnect', resolve))
    await vi.waitFor(() => expect(peers).toHaveLength(n + 1))
  }
  // Each took one stranger's place for the moment of its handshake; those who proved themselves take none.
  await vi.waitFor(() => expect(silent.filter((socket) => !socket.closed)).toHaveLength(4))
})
