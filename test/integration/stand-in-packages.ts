import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import { dirname, join } from 'node:path'
import { run } from '../../lib/exec.ts'
import { sha256 } from '../../lib/hash.ts'

/** A package made for a test, in place of a vendor's. Files are executable when they start with `#!`. */
export interface StandIn {
  readonly name: string
  readonly version?: string
  readonly depends?: string
  readonly files?: Readonly<Record<string, string>>
  /** Shell commands of its postinst script. */
  readonly postinst?: string
}

/** Builds the .deb of a stand-in below `directory` and gives its path. */
export async function makeDeb(directory: string, standIn: StandIn): Promise<string> {
  const root = await mkdtemp(join(directory, 'deb-'))
  const version = standIn.version ?? '1.0'
  const depends = standIn.depends === undefined ? '' : `Depends: ${standIn.depends}\n`
  const control = `Package: ${standIn.name}\nVersion: ${version}\nArchitecture: all\nMaintainer: A test <test@example.org>\n${depends}Description: stand-in made by a test\n`
  await put(join(root, 'DEBIAN/control'), control)
  if (standIn.postinst !== undefined) {
    await put(join(root, 'DEBIAN/postinst'), `#!/bin/sh\nset -e\n${standIn.postinst}\n`)
  }
  for (const [path, text] of Object.entries(standIn.files ?? {})) await put(join(root, path), text)
  await chmod(root, 0o755)
  const path = join(directory, `${standIn.name}_${version}_all.deb`)
  await run(['dpkg-deb', '--root-owner-group', '-Znone', '--build', root, path])
  return path
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 })
}

/** Makes a flat apt repository of packages; signed with `signer`'s key when a GnuPG home is given. */
export async function makeRepository(
  directory: string,
  standIns: readonly StandIn[],
  signer?: string,
): Promise<void> {
  await mkdir(directory, { recursive: true })
  const stanzas: string[] = []
  for (const standIn of standIns) {
    const deb = await makeDeb(directory, standIn)
    const control = (await run(['dpkg-deb', '-f', deb])).stdout
    const bytes = await readFile(deb)
    const name = deb.slice(directory.length + 1)
    stanzas.push(`${control}Filename: ./${name}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`)
  }
  const packages = stanzas.join('\n')
  await writeFile(join(directory, 'Packages'), packages)
  const release = `Date: ${new Date().toUTCString()}\nSHA256:\n ${sha256(packages)} ${Buffer.byteLength(packages)} Packages\n`
  await writeFile(join(directory, 'Release'), release)
  if (signer === undefined) return
  const target = join(directory, 'InRelease')
  await run(gpg(signer, '--output', target, '--clearsign', join(directory, 'Release')))
}

/** Makes a signing key in a GnuPG home of its own; gives its fingerprint and its public half, armoured. */
export async function makeKey(home: string): Promise<{ fingerprint: string; publicKey: string }> {
  await mkdir(home, { mode: 0o700 })
  await run(gpg(home, '--passphrase', '', '--quick-gen-key', 'Stand-in vendor', 'ed25519', 'sign'))
  const listing = (await run(gpg(home, '--with-colons', '--list-keys'))).stdout
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? ''
  return { fingerprint, publicKey: (await run(gpg(home, '--armor', '--export', fingerprint))).stdout }
}

function gpg(home: string, ...args: string[]): [string, ...string[]] {
  return ['gpg', '--batch', '--quiet', '--pinentry-mode', 'loopback', '--homedir', home, ...args]
}

/** Ends the agent that making a key started. */
export async function endKeyAgent(home: string): Promise<void> {
  await run(['gpgconf', '--homedir', home, '--kill', 'all'], { check: false })
}

/** Serves a directory; below `/private/` it wants the given `user:password`. */
export async function serveFiles(
  directory: string,
  credentials: string,
): Promise<{ url: string; server: Server }> {
  const expected = `Basic ${Buffer.from(credentials).toString('base64')}`
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (path.startsWith('/private/') && request.headers.authorization !== expected) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="stand-in"' }).end()
      return
    }
    readFile(join(directory, path.replace(/^\/private\//, '/'))).then(
      (bytes) => response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  return { url: `http://127.0.0.1:${await listen(server)}`, server }
}

/** A TCP service that hands each connection's first data to `answer` and sends back what it gives. */
export async function answering(answer: (data: Buffer) => Buffer | string, close: boolean) {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (data) => {
      socket.write(answer(data))
      if (close) socket.end()
    })
  })
  const port = await listen(server)
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => server.close(done))
  }
  return { port, stop }
}

async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()))
  return (server.address() as AddressInfo).port
}
