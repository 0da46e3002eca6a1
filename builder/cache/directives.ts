/** What a script says about caching in comment lines of its own: `# cache: never`, `# cache: input agent`, … */
export interface CacheDirectives {
  /** Its result must not be taken from the cache: it reads what nobody can see from outside, such as the network. */
  readonly never: boolean
  /** It mentions variables that name outputs, but writes nothing on the host. */
  readonly safe: boolean
  /** Variable that names the directory on the host that it fills. */
  readonly output: string | undefined
  /** Names of things of the builder's that it reads: see `named-inputs.ts`. */
  readonly inputs: readonly string[]
}

const LINE = /^#[ \t]*cache:[ \t]*(never|safe|output|input)\b[ \t]*(.*)$/gm
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/

/**
 * Reads the directives of a script's text. Words that are none are left alone: the line may be prose. What makes a script run
 * more often is taken wherever it stands; what lets it run less often only where nothing else can be meant.
 */
export function cacheDirectives(text: string): CacheDirectives {
  let never = false
  let safe = false
  let output: string | undefined
  const inputs: string[] = []
  for (const [, word, rest = ''] of text.matchAll(LINE)) {
    const words = rest.split(/\s+/).filter((name) => name !== '')
    if (word === 'never') never = true
    if (word === 'safe' && words.length === 0) safe = true
    if (word === 'output' && words.length === 1 && NAME.test(words[0] ?? '')) output = words[0]
    if (word === 'input') inputs.push(...words.filter((name) => NAME.test(name)))
  }
  return { never, safe, output, inputs }
}

/** Variables that lead a script outside the chroot to the outputs, which no layer holds. */
const HOST_OUTPUTS = /\b(IMAGE_NAME|OUT_IMAGE_PATH|TMP_IMAGE_DIR)\b/

/**
 * Whether a script outside the chroot may write beside the image: it mentions a variable that leads there, and says neither
 * that this is safe nor where it writes.
 */
export function mayWriteOnHost(text: string, directives: CacheDirectives): boolean {
  return HOST_OUTPUTS.test(text) && !directives.safe && directives.output === undefined
}
