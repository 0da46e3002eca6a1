import { startAptProxy } from '../../../builder/packages/proxy.ts'
import { lineLog } from '../../../lib/log.ts'

// A proxy in a process of its own, for tests that kill it: prints its process id and its address, then waits.
const proxy = await startAptProxy({
  cacheDir: process.argv[2] ?? '',
  offline: false,
  upstreamProxy: {},
  log: lineLog((line) => process.stderr.write(`${line}\n`)),
})
process.stdout.write(`${process.pid} ${proxy.url}\n`)
