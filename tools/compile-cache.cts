// Keeps what Node and V8 make of our sources, which is a third of the processor time of a short command. Loaded before the
// program (tools/node). Only who owns node_modules writes there, and trusts what is there.
const { statSync } = require('node:fs')
const { enableCompileCache } = require('node:module')
const { join } = require('node:path')

const modules = join(__dirname, '../node_modules')
if (statSync(modules).uid === process.getuid?.()) enableCompileCache(join(modules, '.cache/compile'))
