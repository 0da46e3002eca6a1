import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { run } from '../../../lib/exec.ts'
import { INSIDE_PATH, insideEnvironment } from '../../../phases/environment.ts'

const possible = process.getuid?.() === 0 && existsSync('/usr/bin/sudo')
const why = possible ? '' : ' (skipped: needs root and sudo)'

/** What sudo itself adds, and what it sets to values of its own choice. */
const SUDO_ONLY = /^(SUDO_.*|MAIL|SHELL|TERM|HOME|LOGNAME|USER|PATH)$/

test.skipIf(!possible)(`what crosses is what sudo -E and the driver let cross${why}`, async () => {
  const caller = Object.fromEntries(
    `BASHOPTS BASH_ENV CDPATH COLORS DIB_RELEASE DIB_X ENV FPATH GLOBIGNORE HOSTALIASES IFS JAVA_TOOL_OPTIONS KRB5_CONFIG
     LANG LC_ALL LD_BIND_NOW LD_DEBUG_OUTPUT LOCALDOMAIN NLSPATH NODE_OPTIONS NULLCMD PATH_LOCALE PERL5LIB PERLIO_DEBUG PS1
     PS4 PYTHONPATH READNULLCMD RES_OPTIONS RUBYLIB SSH_AUTH_SOCK TERMCAP TERMINFO TMPDIR TMPPREFIX VIRTUAL_ENV XAUTHORITY
     ZDOTDIR _LIB http_proxy`
      .split(/\s+/)
      .map((name) => [name, name === 'LC_ALL' || name === 'LANG' ? 'C' : `/${name}`]),
  )
  const env = {
    ...caller,
    'BASH_FUNC_die%%': '() { exit 1; }',
    OLD: '() { exit 1; }',
    EMPTY: '',
    PATH: INSIDE_PATH,
  }
  const real = await run(
    ['sudo', '-E', 'chroot', '/', 'env', '-u', 'TMPDIR', '-u', 'VIRTUAL_ENV', 'env', '-0'],
    { env },
  )
  const crossed = real.stdout
    .split('\0')
    .map((entry) => entry.split('=')[0] ?? '')
    .filter((name) => name !== '' && !SUDO_ONLY.test(name))
  const ours = Object.keys(insideEnvironment(env)).filter((name) => !SUDO_ONLY.test(name))
  expect(ours.sort()).toEqual(crossed.sort())
})
