import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/** The kernel takes ports for outgoing connections from 32768 on: one of those may be gone before its server starts. */
const [FIRST, END] = [10_000, 32_000] as const

const given = new Set<number>()

/** A port of the loopback interface that nobody has, and that no connection will take. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0] ?? 0
}

/** Neighbouring ports, the lowest first. */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    const first = randomInt(FIRST, END - count)
    const ports = Array.from({ length: count }, (_, at) => first + at)
    if (ports.some((port) => given.has(port))) continue
    const servers = await Promise.all(ports.map(listener))
    await Promise.all(servers.map((server) => new Promise((resolve) => server?.close(resolve) ?? resolve(0))))
    if (servers.includes(undefined)) continue
    for (const port of ports) given.add(port)
    return ports
  }
}

function listener(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
