import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

const url = (path: string) => new URL(`../../../${path}`, import.meta.url).href

/** A process of its own that runs a piece of a module until it is ended; `ready` is what it prints. */
async function startModule(code: string, directory: string) {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', code, directory],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  const gone = once(child, 'exit')
  const end = async () => {
    child.kill('SIGKILL')
    await gone
  }
  onTestFinished(end)
  return { end, gone, output: () => output, ready: () => once(child.stdout, 'data') }
}

/** A build of another process that has the cache open until it is ended, as by SIGKILL. */
export async function livingBuild(directory: string) {
  const build = await startModule(
    `const { openBuildCache } = await import('${url('builder/cache/build-cache.ts')}')
     const cache = await openBuildCache(process.argv[1])
     console.log(cache.drafts)
     setInterval(() => undefined, 1000)`,
    directory,
  )
  await build.ready()
  return { end: build.end, drafts: build.output().trim() }
}

/** Another process that has the cache to itself until it is ended. */
export async function livingPruner(directory: string) {
  const pruner = await startModule(
    `const { whileUnused } = await import('${url('builder/cache/build-cache.ts')}')
     await whileUnused(process.argv[1], () => new Promise((resolve) => {
       console.log('pruning')
       setInterval(() => undefined, 1000)
     }))`,
    directory,
  )
  await pruner.ready()
  return { end: pruner.end }
}
