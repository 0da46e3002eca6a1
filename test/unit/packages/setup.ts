import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { AptProxy, AptProxyOptions, ProxyEvent } from '../../../builder/packages/proxy.ts'
import { startAptProxy } from '../../../builder/packages/proxy.ts'
import { lineLog } from '../../../lib/log.ts'
import { type Origin, startOrigin } from './origin.ts'

/** A proxy for one test, with what it logged and told. */
export interface TestProxy extends AptProxy {
  readonly cacheDir: string
  readonly events: ProxyEvent['kind'][]
  readonly lines: string[]
}

/** A directory that goes away with the test. */
export async function tempDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'apt-proxy-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** A mirror that goes away with the test. */
export async function origin(handler: Parameters<typeof startOrigin>[0]): Promise<Origin> {
  const started = await startOrigin(handler)
  onTestFinished(started.close)
  return started
}

/** A proxy that ends with the test; without the environment's proxies and with short pauses. */
export async function proxy(options: Partial<AptProxyOptions> = {}): Promise<TestProxy> {
  const events: ProxyEvent['kind'][] = []
  const lines: string[] = []
  const cacheDir = options.cacheDir ?? (await tempDir())
  const started = await startAptProxy({
    offline: false,
    upstreamProxy: {},
    log: lineLog((line) => lines.push(line), { debug: true }),
    onEvent: ({ kind }) => events.push(kind),
    retry: { attempts: 3, delayMs: 5 },
    idleMs: 2000,
    ...options,
    cacheDir,
  })
  onTestFinished(() => started.close())
  return { ...started, cacheDir, events, lines }
}
