import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Argv, type Environment, type RunResult, run } from '../../lib/exec.ts'
import { digestFile } from '../../lib/hash.ts'
import { type Origin, through } from '../unit/packages/origin.ts'
import { origin, proxy, tempDir } from '../unit/packages/setup.ts'

const proxyProcess = join(import.meta.dirname, '../unit/packages/proxy-process.ts')

/** A repository of one package as a mirror publishes it, in a directory. */
interface Repository {
  readonly directory: string
  /** Path of the package below the directory. */
  readonly deb: string
}

async function makeRepository(version = '1.0'): Promise<Repository> {
  const directory = await tempDir()
  const tree = join(await tempDir(), 'stand-in')
  await mkdir(join(tree, 'DEBIAN'), { recursive: true })
  await writeFile(
    join(tree, 'DEBIAN/control'),
    `Package: stand-in\nVersion: ${version}\nArchitecture: all\nMaintainer: Test <test@example.invalid>\nDescription: stands in for a package\n`,
  )
  await writeFile(join(tree, 'content'), 'x'.repeat(10_000))
  const deb = `pool/main/s/stand-in/stand-in_${version}_all.deb`
  await mkdir(join(directory, dirname(deb)), { recursive: true })
  await run(['dpkg-deb', '--root-owner-group', '--build', tree, join(directory, deb)])
  const bytes = await readFile(join(directory, deb))
  const control = (await readFile(join(tree, 'DEBIAN/control'), 'utf8')).trimEnd()
  const digest = await digestFile(join(directory, deb))
  await writeFile(
    join(directory, 'Packages'),
    `${control}\nFilename: ${deb}\nSize: ${bytes.length}\nSHA256: ${digest}\n`,
  )
  return { directory, deb }
}

/** Serves a directory with validators, as a web server does. */
async function serve({ directory }: Repository): Promise<Origin> {
  return await origin(async (request, response) => {
    const path = join(directory, decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname))
    const body = await readFile(path).catch(() => undefined)
    if (body === undefined) return response.writeHead(404).end()
    const etag = `"${await digestFile(path)}"`
    if (request.headers['if-none-match'] === etag) return response.writeHead(304).end()
    response.writeHead(200, { etag, 'content-length': body.length }).end(body)
  })
}

/** An apt with a root of its own, that knows one source and one proxy. */
async function makeApt(
  mirror: Pick<Origin, 'url'>,
  proxyUrl: string,
  more = '',
  no_proxy?: string,
): Promise<(...args: string[]) => Promise<RunResult>> {
  const root = await tempDir()
  for (const name of [
    'state/lists/partial',
    'cache/archives/partial',
    'etc/apt.conf.d',
    'etc/preferences.d',
  ]) {
    await mkdir(join(root, name), { recursive: true })
  }
  await writeFile(join(root, 'status'), '')
  await writeFile(join(root, 'sources.list'), `deb [trusted=yes] ${mirror.url}/ ./\n`)
  const config = `Dir::State "${root}/state";
Dir::State::status "${root}/status";
Dir::Cache "${root}/cache";
Dir::Etc "${root}/etc";
Dir::Etc::sourcelist "${root}/sources.list";
Dir::Etc::sourceparts "-";
Acquire::http::Proxy "${proxyUrl}";
Acquire::Languages "none";
APT::Sandbox::User "";
${more}`
  await writeFile(join(root, 'apt.conf'), config)
  return (...args) => {
    const command: Argv = ['apt-get', '-y', '-q', ...args]
    const env = { PATH: process.env.PATH, LC_ALL: 'C', APT_CONFIG: join(root, 'apt.conf'), no_proxy }
    return run(command, { env, cwd: root, check: false })
  }
}

/** Starts a proxy in a process of its own, which ends with the test. */
async function startProcess(
  cacheDir: string,
  env: Environment = {},
): Promise<{ readonly pid: number; readonly url: string; readonly ended: Promise<RunResult> }> {
  const started = Promise.withResolvers<{ pid: number; url: string }>()
  const stop = new AbortController()
  const ended = run([process.execPath, proxyProcess, cacheDir], {
    check: false,
    env,
    signal: stop.signal,
    onLine: (line) => {
      const [pid = '', url = ''] = line.split(' ')
      started.resolve({ pid: Number(pid), url })
    },
  })
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return { ...(await started.promise), ended }
}

test('apt fetches through the proxy, and a second apt installs offline from the filled store', async () => {
  const repository = await makeRepository()
  const mirror = await serve(repository)
  const online = await proxy()
  const apt = await makeApt(mirror, online.url)
  expect(await apt('update')).toMatchObject({ exitCode: 0 })
  expect(await apt('install', '--download-only', 'stand-in')).toMatchObject({ exitCode: 0 })
  await online.close()
  await mirror.close()

  const offline = await proxy({ cacheDir: online.cacheDir, offline: true })
  const later = await makeApt(mirror, offline.url)
  expect(await later('update')).toMatchObject({ exitCode: 0 })
  const install = await later('install', '--download-only', 'stand-in')
  expect(install.stdout).toContain('Download complete')
  expect(install.exitCode).toBe(0)
  expect(offline.stats()).toMatchObject({ misses: 0, bytesFromNetwork: 0 })
})

test('apt tells what is missing offline and how to get it', async () => {
  const mirror = await serve(await makeRepository())
  const online = await proxy()
  await (await makeApt(mirror, online.url))('update')
  await online.close()
  const offline = await proxy({ cacheDir: online.cacheDir, offline: true })
  const apt = await makeApt(mirror, offline.url)
  await apt('update')
  const install = await apt('-o', 'Acquire::Retries=0', 'install', '--download-only', 'stand-in')
  expect(install.exitCode).toBe(100)
  expect(install.stderr).toMatch(/504 +Offline, and not in the cache: .*stand-in_1.0_all.deb/)
  expect(install.stderr).toContain('build once online to fill the cache')
})

test('apt refuses a package whose hash is not the listed one, and the store does not keep it', async () => {
  const repository = await makeRepository()
  const path = join(repository.directory, repository.deb)
  await copyFile(path, `${path}.genuine`)
  const tampered = await readFile(path)
  tampered.writeUInt8(tampered.readUInt8(200) ^ 1, 200)
  await writeFile(path, tampered)
  const mirror = await serve(repository)
  const { url, events, cacheDir } = await proxy()
  const apt = await makeApt(mirror, url)
  await apt('update')
  const refused = await apt('install', '--download-only', 'stand-in')
  expect(refused.exitCode).toBe(100)
  expect(refused.stderr).toContain('Hash Sum mismatch')
  expect(events).toContain('different')
  const digest = await digestFile(path)
  expect(await readdir(join(cacheDir, 'blobs/sha256'), { recursive: true })).not.toContain(
    join(digest.slice(0, 2), digest),
  )

  await copyFile(`${path}.genuine`, path)
  expect(await apt('install', '--download-only', 'stand-in')).toMatchObject({ exitCode: 0 })
})

test('a new index on the mirror reaches apt at once', async () => {
  const repository = await makeRepository('1.0')
  const mirror = await serve(repository)
  const { url } = await proxy()
  const apt = await makeApt(mirror, url)
  await apt('update')
  const newer = await makeRepository('2.0')
  await rm(repository.directory, { recursive: true })
  await run(['cp', '-a', '--', newer.directory, repository.directory])
  await apt('update')
  expect((await apt('install', '--download-only', 'stand-in')).stdout).toContain('stand-in 2.0')
})

test('a proxy killed in the middle of a download leaves a store that works', async () => {
  const body = Buffer.alloc(5_000_000, 'package')
  const mirror = await origin((_, response, count) => {
    response.writeHead(200, { 'content-length': body.length })
    if (count === 2) response.write(body.subarray(0, 2_000_000))
    else response.end(body)
  })
  const cacheDir = await tempDir()
  const { pid, url, ended } = await startProcess(cacheDir)
  await through(url, `${mirror.url}/pool/whole.deb`)
  await through(url, `${mirror.url}/pool/whole.deb`)
  const cut = through(url, `${mirror.url}/pool/cut.deb`)
  cut.catch(() => {})
  await expect.poll(() => readdir(join(cacheDir, 'tmp')), { timeout: 5000 }).toHaveLength(1)
  process.kill(pid, 'SIGKILL')
  expect((await ended).exitCode).toBe(137)
  await expect(cut).rejects.toThrow()

  const { url: next, stats } = await proxy({ cacheDir })
  expect((await through(next, `${mirror.url}/pool/whole.deb`)).headers['x-coffer-cache']).toBe('hit')
  expect((await through(next, `${mirror.url}/pool/cut.deb`)).body.equals(body)).toBe(true)
  expect(stats()).toMatchObject({ hits: 1, misses: 1, bytesFromNetwork: body.length })
})

/** A certificate for a server on loopback, that nobody has signed. */
async function makeCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const directory = await tempDir()
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const subject = ['-subj', '/CN=mirror', '-addext', 'subjectAltName=IP:127.0.0.1']
  const settings = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject]
  await run(['openssl', 'req', ...settings])
  return { key, cert }
}

/** Serves https on loopback until the test ends. */
async function serveHttps(
  { key, cert }: { readonly key: string; readonly cert: string },
  listener: RequestListener,
): Promise<number> {
  const mirror = createServer({ key: await readFile(key), cert: await readFile(cert) }, listener)
  await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void mirror.close())
  return (mirror.address() as AddressInfo).port
}

test('apt asks the proxy with the method of an image build, whatever no_proxy says', async () => {
  const mirror = await serve(await makeRepository())
  const { url, stats } = await proxy()
  const method = join(import.meta.dirname, '../../builder/libexec/apt-http-method')
  const apt = await makeApt(mirror, url, `Dir::Bin::Methods::http "${method}";\n`, '127.0.0.1')
  expect((await apt('update')).exitCode).toBe(0)
  expect(stats().misses).toBe(1)
})

test('files of an https mirror are cached when a source names them in the path form', async () => {
  const directory = await tempDir()
  const certificate = await makeCertificate()
  const requests: (string | undefined)[] = []
  const port = await serveHttps(certificate, (request, response) => {
    requests.push(request.url)
    if (request.url === '/down') response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()
    else response.end('package')
  })

  const { url } = await startProcess(join(directory, 'cache'), { NODE_EXTRA_CA_CERTS: certificate.cert })
  const deb = `${url}/https/127.0.0.1:${port}/pool/a.deb`
  const ask = (address: string) => through(url, address, { path: new URL(address).pathname })
  expect((await ask(deb)).text).toBe('package')
  expect((await ask(deb)).headers['x-coffer-cache']).toBe('hit')
  expect(requests).toEqual(['/pool/a.deb'])
  const down = await ask(`${url}/https/127.0.0.1:${port}/down`)
  expect(down).toMatchObject({ status: 502, text: expect.stringContaining('cannot be followed') })

  const stranger = await startProcess(join(directory, 'other-cache'))
  const refused = await through(stranger.url, stranger.url, { path: `/https/127.0.0.1:${port}/pool/a.deb` })
  expect(refused).toMatchObject({ status: 502, text: expect.stringContaining('certificate') })
})

test('apt asks an https mirror through the proxy with the method of an image build', async () => {
  const repository = await makeRepository()
  const certificate = await makeCertificate()
  const requests: string[] = []
  const port = await serveHttps(certificate, (request, response) => {
    requests.push(request.url ?? '')
    readFile(join(repository.directory, decodeURIComponent(request.url ?? ''))).then(
      (body) => response.end(body),
      () => response.writeHead(404).end(),
    )
  })
  const { url } = await startProcess(await tempDir(), { NODE_EXTRA_CA_CERTS: certificate.cert })
  const method = join(import.meta.dirname, '../../builder/libexec/apt-https-method')
  const mirror = { url: `https://127.0.0.1:${port}` }
  const apt = await makeApt(mirror, url, `Dir::Bin::Methods::https "${method}";\n`)
  expect((await apt('update')).exitCode).toBe(0)
  for (let times = 0; times < 2; times++) {
    const install = await apt('install', '--download-only', '--reinstall', 'stand-in')
    expect(install.exitCode, install.stderr).toBe(0)
    await apt('clean')
  }
  expect(requests.filter((path) => path.endsWith('.deb'))).toHaveLength(1)

  // With settings of its own for https apt goes its own way, and does not trust this mirror.
  const own = await makeApt(
    mirror,
    url,
    `Dir::Bin::Methods::https "${method}";\nAcquire::https::Verify-Peer "true";\n`,
  )
  expect((await own('update')).stderr).toMatch(/certificate/i)
})

test('apt-mirror runs as a program', async () => {
  const program = join(import.meta.dirname, '../../builder/libexec/apt-mirror')
  const env = {
    PATH: process.env.PATH,
    COFFER_NODE: process.execPath,
    DIB_DISTRIBUTION_MIRROR: 'http://d.example/debian',
    DIB_DEBIAN_SECURITY_MIRROR: 'http://d.example/debian-security',
  }
  const result = await run([program, 'debian', 'bookworm', 'main,contrib'], { env })
  expect(result.stdout).toBe(`deb http://d.example/debian bookworm main contrib
deb http://d.example/debian bookworm-updates main contrib
deb http://d.example/debian-security bookworm-security main contrib
`)
})
