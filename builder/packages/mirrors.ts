import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../lib/exec.ts'
import { type AptSource, readAptSources } from './apt-sources.ts'

/** Where a distribution's packages come from. */
export interface Mirror {
  /** The archive, without a slash at the end. Undefined: the bootstrap tool's own default. */
  readonly uri?: string
  /** The archive of security updates. */
  readonly securityUri?: string
}

/** What this machine's apt uses for one distribution. */
export interface HostMirror extends Mirror {
  readonly distribution: string
  readonly uri: string
}

/** Suites by distribution; a name that is in neither list is the host's own if `/etc/os-release` names it. */
const suites: Readonly<Record<string, readonly string[]>> = {
  debian:
    'oldoldstable oldstable stable testing unstable sid jessie stretch buster bullseye bookworm trixie forky duke'.split(
      ' ',
    ),
  ubuntu:
    'devel trusty xenial bionic focal jammy kinetic lunar mantic noble oracular plucky questing resolute'.split(
      ' ',
    ),
}

/** The components that an archive of the distribution itself has; a vendor's repository has names of its own. */
const mainComponent = 'main'
const securityName = /(-security|\/updates)$/

/**
 * Finds the distributions' own archives in this machine's apt sources. A vendor's repository for the same suite is told
 * apart by its components and its keyring.
 *
 * @param root the file system to look into; default `/`.
 */
export function hostMirrors(root = '/'): HostMirror[] {
  const own = ownSuite(root)
  const mirrors = new Map<string, { uri?: string; securityUri?: string }>()
  for (const source of readAptSources(join(root, 'etc/apt'))) {
    const distribution = distributionOf(source, own)
    if (distribution === undefined) continue
    const mirror = mirrors.get(distribution) ?? {}
    const uri = withoutSlash(source.uri)
    if (securityName.test(source.suite)) mirror.securityUri ??= uri
    else mirror.uri ??= uri
    mirrors.set(distribution, mirror)
  }
  return [...mirrors].flatMap(([distribution, { uri, securityUri }]) =>
    uri === undefined ? [] : [{ distribution, uri, ...(securityUri === undefined ? {} : { securityUri }) }],
  )
}

/** What {@link chooseMirror} decides from. */
export interface MirrorQuestion {
  /**
   * `DIB_DISTRIBUTION_MIRROR`; for Debian also `DIB_DEBIAN_DISTRIBUTION_MIRROR`, which wins, and
   * `DIB_DEBIAN_SECURITY_MIRROR` (DIB contract §3.11, debian-minimal).
   */
  readonly env: Environment
  readonly distribution: string
  readonly suite: string
  /** The target's architecture in dpkg's words; Ubuntu keeps all but amd64 and i386 in another archive. */
  readonly architecture?: string
  /** Default: this machine's. */
  readonly host?: readonly HostMirror[]
}

/**
 * Chooses the mirror: the environment's, else the one of this machine's own apt for that distribution, else none, which
 * leaves the choice to the bootstrap tool.
 */
export function chooseMirror({ env, distribution, suite, architecture, host }: MirrorQuestion): Mirror {
  const debian = distribution === 'debian'
  const fromEnv = (debian && env.DIB_DEBIAN_DISTRIBUTION_MIRROR) || env.DIB_DISTRIBUTION_MIRROR || undefined
  const securityFromEnv = (debian && env.DIB_DEBIAN_SECURITY_MIRROR) || undefined
  const ofHost = (host ?? hostMirrors()).find(
    (mirror) =>
      mirror.distribution === distribution && holdsArchitecture(mirror.uri, distribution, architecture),
  )
  const uri = fromEnv ?? ofHost?.uri
  // Ubuntu's mirrors carry the security suite beside the others; Debian keeps it in an archive of its own.
  const beside = debian ? undefined : uri
  const securityUri =
    securityFromEnv ?? (fromEnv !== undefined && !debian ? fromEnv : ofHost?.securityUri) ?? beside
  return {
    ...(uri === undefined ? {} : { uri: withoutSlash(uri) }),
    ...(securityUri === undefined || isRolling(distribution, suite)
      ? {}
      : { securityUri: withoutSlash(securityUri) }),
  }
}

/** True for suites without updates and security suites of their own. */
export function isRolling(distribution: string, suite: string): boolean {
  return distribution === 'debian' && ['sid', 'unstable', 'testing', 'experimental'].includes(suite)
}

function distributionOf(source: AptSource, own: OwnSuite | undefined): string | undefined {
  if (!/^https?:\/\/[^$]+$/.test(source.uri) || !source.components.includes(mainComponent)) return undefined
  const base = source.suite.replace(/(-(updates|security|backports|proposed(-updates)?)|\/updates)$/, '')
  const known = Object.keys(suites).find((name) => suites[name]?.includes(base))
  const distribution = known ?? (own?.suite === base ? own.distribution : undefined)
  if (distribution === undefined || !trusts(source.signedBy, distribution)) return undefined
  return distribution
}

/** A source without a keyring uses the distribution's; one with a keyring must name the archive's. */
function trusts(signedBy: string | undefined, distribution: string): boolean {
  return signedBy === undefined || signedBy.includes(`${distribution}-archive`)
}

function holdsArchitecture(uri: string, distribution: string, architecture: string | undefined): boolean {
  if (distribution !== 'ubuntu' || architecture === undefined) return true
  return /ubuntu-ports/.test(uri) === !['amd64', 'i386', 'x86_64'].includes(architecture)
}

interface OwnSuite {
  readonly distribution: string
  readonly suite: string
}

function ownSuite(root: string): OwnSuite | undefined {
  try {
    const text = readFileSync(join(root, 'etc/os-release'), 'utf8')
    const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1]
    const distribution = field('ID')
    const suite = field('VERSION_CODENAME')
    return distribution && suite ? { distribution, suite } : undefined
  } catch {
    return undefined
  }
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/+$/, '')
}
