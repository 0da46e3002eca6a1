import { CofferError, describeError } from '../../lib/errors.ts'
import type { Environment } from '../../lib/exec.ts'
import { chooseMirror, isRolling } from '../packages/mirrors.ts'
import { sourcesFor } from '../packages/sources-for.ts'

const USAGE = 'apt-mirror DISTRO SUITE [COMPONENTS]'

/** DIB's own defaults (DIB contract §3.11): the suites beside a release's main one, and the components. */
const defaults: Readonly<Record<string, { readonly pockets: string; readonly components: string }>> = {
  debian: { pockets: 'updates,security', components: 'main' },
  ubuntu: { pockets: 'updates,security,backports', components: 'main,universe' },
}

/**
 * Called by root.d scripts on the host: the `deb` lines for a target. COMPONENTS are separated by commas or spaces;
 * default `DIB_DEBIAN_COMPONENTS`. The mirror comes from `DIB_DISTRIBUTION_MIRROR` or this machine's apt.
 *
 * @returns the lines; nothing when no mirror is known, which leaves the choice to the bootstrap tool.
 * @throws CofferError `APT_MIRROR_USAGE`
 */
export function aptMirror(
  args: readonly string[],
  env: Environment,
  warn: (text: string) => void,
  host?: Parameters<typeof chooseMirror>[0]['host'],
): string {
  const [distribution, suite, ...rest] = args
  const valid = (word: string | undefined): word is string => /^[A-Za-z0-9][A-Za-z0-9.+/-]*$/.test(word ?? '')
  const byDefault = defaults[distribution ?? '']
  const wanted =
    rest.length > 0 ? rest.join(' ') : env.DIB_DEBIAN_COMPONENTS || byDefault?.components || 'main'
  const components = words(wanted)
  if (!valid(distribution) || !valid(suite) || !components.every(valid)) {
    throw new CofferError('APT_MIRROR_USAGE', `Usage: ${USAGE}`, {
      hint: 'For example: apt-mirror debian stable main,contrib',
      exitCode: 2,
    })
  }
  const pockets = (distribution === 'ubuntu' && env.DIB_UBUNTU_MIRROR_DISTS) || byDefault?.pockets
  const mirror = chooseMirror({
    env,
    distribution,
    suite,
    ...(env.ARCH === undefined ? {} : { architecture: env.ARCH }),
    ...(host === undefined ? {} : { host }),
  })
  if (mirror.uri !== undefined && mirror.securityUri === undefined && !isRolling(distribution, suite)) {
    warn('No security archive is known: set DIB_DEBIAN_SECURITY_MIRROR to have its updates in the image')
  }
  return sourcesFor({
    distribution,
    suite,
    components,
    mirror,
    ...(pockets === undefined ? {} : { pockets: words(pockets) }),
  })
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '')
}

if (import.meta.main) {
  try {
    process.stdout.write(
      aptMirror(process.argv.slice(2), process.env, (text) => process.stderr.write(`WARNING: ${text}\n`)),
    )
  } catch (error) {
    process.stderr.write(`ERROR: ${describeError(error)}\n`)
    process.exitCode = error instanceof CofferError ? error.exitCode : 1
  }
}
