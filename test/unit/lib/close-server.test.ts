import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify from 'fastify'
import { expect, onTestFinished, test, vi } from 'vitest'
import { closeServer } from '../../../lib/close-server.ts'

async function service() {
  const app = Fastify()
  app.post('/', async () => 'taken')
  app.get('/slow', async () => {
    await new Promise((resolve) => setTimeout(resolve, 200))
    return 'done'
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = app.server.address()
  return { app, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

async function client(port: number, text: string) {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  let said = ''
  socket.on('data', (chunk) => {
    said += chunk
  })
  socket.write(text)
  await new Promise((resolve) => setTimeout(resolve, 50))
  return { socket, said: () => said }
}

test.each([
  ['says nothing', ''],
  ['stops in its headers', 'GET /slow HT'],
  ['stops in its body', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{'],
])('a client that %s does not keep a service from closing', async (_, text) => {
  const { app, port } = await service()
  await client(port, text)
  const began = performance.now()
  await closeServer(app, 100)
  expect(performance.now() - began).toBeLessThan(3000)
})

test('a request under way is answered before the service closes', async () => {
  const { app, port } = await service()
  const { said } = await client(port, 'GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  await closeServer(app, 5000)
  await vi.waitFor(() => expect(said()).toContain('done'))
})
