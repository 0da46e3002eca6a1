// Starts the agent with what V8 compiled of it while the image was built: an emulated processor needs most of a start to
// parse a megabyte. With --rehearse the agent only goes through a start, and this keeps what that made V8 compile.
'use strict'
const { readFileSync, statSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { Script } = require('node:vm')

const filename = join(__dirname, 'agent.cjs')
const cache = join(__dirname, 'agent.cache')

/** V8 refuses data of another V8 or of other flags, but tells sources apart by their length alone. */
function cachedData() {
  try {
    return statSync(cache).mtimeMs >= statSync(filename).mtimeMs ? readFileSync(cache) : undefined
  } catch {
    return undefined
  }
}

// The file is ASCII: V8 reads that in half the time.
const source = readFileSync(filename, 'latin1')
const script = new Script(`(function (exports, require, module, __filename, __dirname) { ${source}\n})`, {
  filename,
  cachedData: process.argv.includes('--rehearse') ? undefined : cachedData(),
})
if (process.argv.includes('--rehearse')) {
  process.on('exit', (status) => {
    if (status === 0) writeFileSync(cache, script.createCachedData())
  })
}
script.runInThisContext()(exports, require, module, filename, __dirname)
