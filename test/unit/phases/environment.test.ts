import { expect, test } from 'vitest'
import { insideEnvironment, isSensitive, maskedValue } from '../../../phases/environment.ts'

test("the caller's environment crosses into the chroot: proxies and options of elements are relied on", () => {
  expect(
    insideEnvironment({ http_proxy: 'http://proxy:3128', DIB_RELEASE: 'bookworm', EMPTY: '' }),
  ).toMatchObject({
    http_proxy: 'http://proxy:3128',
    DIB_RELEASE: 'bookworm',
    EMPTY: '',
  })
})

test('inside, the user is root, whoever builds', () => {
  expect(insideEnvironment({ HOME: '/home/me', USER: 'me', LOGNAME: 'me' })).toMatchObject({
    HOME: '/root',
    USER: 'root',
    LOGNAME: 'root',
  })
})

test('PATH has the six system directories and no directory that is literally called $PATH', () => {
  expect(insideEnvironment({ PATH: '/opt/mine' }).PATH).toBe(
    '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  )
})

test('functions, trace prompts and what names things of the host stay outside', () => {
  const inside = insideEnvironment({
    'BASH_FUNC_die%%': '() { exit 1; }',
    OLD_FUNCTION: '() { exit 1; }',
    PS4: '+ ',
    TMPDIR: '/host/tmp',
    VIRTUAL_ENV: '/host/venv',
    LD_PRELOAD: '/host/lib.so',
    BASH_ENV: '/host/rc',
    PYTHONPATH: '/host/python',
    UNSET: undefined,
  })
  expect(Object.keys(inside).sort()).toEqual(['HOME', 'LOGNAME', 'PATH', 'USER'])
})

test.each([
  'DIB_PASSWORD',
  'TROVE_ROOT_PASSWORD',
  'DIB_DEV_USER_PASSWORD',
  'MYSQL_PWD',
  'OS_TOKEN',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'OS_APPLICATION_CREDENTIAL_ID',
  'SSH_PRIVATE_KEY',
  'github_api_key',
  'DIB_ENV',
])('the value of %s is never printed', (name) => {
  expect(maskedValue(name, 'abc')).toBe('********')
})

test.each([
  'DIB_RELEASE',
  'PWD',
  'DIB_APT_KEYRING',
  'DIB_DEV_USER_PWDLESS_SUDO',
  'COMPASS',
  'DIB_ADD_APT_KEYS',
])('the value of %s is no secret', (name) => {
  expect(isSensitive(name)).toBe(false)
})

test('user and password in a URL are hidden, the rest of it is not', () => {
  expect(maskedValue('http_proxy', 'http://me:pw@proxy:3128')).toBe('http://********@proxy:3128')
  expect(maskedValue('http_proxy', 'http://proxy:3128')).toBe('http://proxy:3128')
})

test('an empty secret shows as empty', () => {
  expect(maskedValue('DIB_PASSWORD', '')).toBe('')
})
