import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkCharacterSet,
  checkDatabaseName,
  checkHost,
  checkPassword,
  checkUserName,
  type NameContext,
  userRef,
} from '../../../../runtime/model/names.ts'

const context = (manager: string): NameContext => ({
  manager,
  reserved: { ignoreUsers: ['os_admin', 'root'], ignoreDbs: ['mysql', 'lost+found'] },
  hostMustBeAddress: true,
})
const mysql = context('mysql')
const postgresql = context('postgresql')

const accepts = (check: () => void): boolean => {
  try {
    check()
    return true
  } catch {
    return false
  }
}

describe('database names', () => {
  test.each(['db1', 'my-db', '-rf', '--help', 'a b', 'a#b', 'x', '0', 'a'.repeat(64)])(
    'MySQL takes %j',
    (name) => {
      expect(accepts(() => checkDatabaseName(name, mysql))).toBe(true)
    },
  )
  test.each([
    '',
    ' a',
    'a ',
    'a`b',
    "a'b",
    'a\nb',
    'a\0b',
    'données',
    'a.b',
    'a/b',
    'a%41b',
    'mysql',
    'MySQL',
  ])('MySQL does not take %j', (name) => {
    expect(() => checkDatabaseName(name, mysql)).toThrow(`'${name}' is not a valid database name.`)
  })
  test('a name that is too long says how long it may be', () => {
    expect(() => checkDatabaseName('a'.repeat(65), mysql)).toThrow(
      `Database name '${'a'.repeat(65)}' is too long. Max length = 64.`,
    )
  })
  test.each(['données', 'a"b', "a'b", 'a.b', '🐘', '-x', 'a%b'])('PostgreSQL takes %j', (name) => {
    expect(accepts(() => checkDatabaseName(name, postgresql))).toBe(true)
  })
  test("PostgreSQL's limit counts bytes", () => {
    expect(accepts(() => checkDatabaseName('é'.repeat(31), postgresql))).toBe(true)
    expect(accepts(() => checkDatabaseName('é'.repeat(32), postgresql))).toBe(false)
  })
})

describe('user names', () => {
  test.each(['user1', 'a.b', 'a@b', '-u', 'ünï', 'a b', 'a'.repeat(32)])('MySQL takes %j', (name) => {
    expect(accepts(() => checkUserName(name, mysql))).toBe(true)
  })
  test.each([
    "a'b",
    'a"b',
    'a;b',
    'a,b',
    'a`b',
    'a/b',
    'a\\b',
    ' a',
    'a ',
    'root',
    'ROOT',
    'a\nb',
    'a\tb',
    '🐬',
    '.',
    '..',
    'a%41',
  ])('MySQL does not take %j', (name) => {
    expect(() => checkUserName(name, mysql)).toThrow(`'${name}' is not a valid user name.`)
  })
  test.each([
    ['mysql', 32],
    ['mariadb', 80],
    ['postgresql', 63],
  ])('%s takes %i characters and not one more', (manager, max) => {
    expect(accepts(() => checkUserName('u'.repeat(max), context(manager)))).toBe(true)
    expect(() => checkUserName('u'.repeat(max + 1), context(manager))).toThrow(`Max length = ${max}.`)
  })
  test("PostgreSQL keeps the engine's own roles out", () => {
    expect(accepts(() => checkUserName('pg_monitor', postgresql))).toBe(false)
    expect(accepts(() => checkUserName(`o'neill "the" \\ user;`, postgresql))).toBe(true)
  })
  test('a manager without rules of its own has those of MySQL, whatever its name', () => {
    expect(accepts(() => checkUserName('a;b', context('__proto__')))).toBe(false)
    expect(accepts(() => checkUserName('ab', context('constructor')))).toBe(true)
  })
})

describe('passwords', () => {
  test.each([`p'a"s\\s\`w;o,r/d`, ' leading and trailing ', '-p', 'päss', '🔑', '%41'])(
    '%j is taken',
    (password) => {
      expect(accepts(() => checkPassword(password))).toBe(true)
    },
  )
  test.each(['', 'a\0b', 'a\nb', 'a\rb', '\ud800', 'x'.repeat(256)])(
    '%j is refused and not repeated',
    (password) => {
      expect(() => checkPassword(password)).toThrow("'***' is not a valid password.")
    },
  )
})

describe('hosts', () => {
  test.each(['%', '10.0.0.1', '10.0.0.%', '10.%', '192.168.%.1'])('%s is one', (host) => {
    expect(accepts(() => checkHost(host, mysql))).toBe(true)
  })
  test.each(['', '256.1.1.1', '10.0.0', '1.2.3.4.5', 'example.com', '10.0.0.1 ', "%' OR 1=1"])(
    '%j is none',
    (host) => {
      expect(() => checkHost(host, mysql)).toThrow(`'${host}' is not a valid hostname.`)
    },
  )
  test('names of hosts are taken where the operator allows them', () => {
    const open = { ...mysql, hostMustBeAddress: false }
    expect(accepts(() => checkHost('app-1.example.com', open))).toBe(true)
    expect(accepts(() => checkHost("x'", open))).toBe(false)
  })
})

describe('character sets', () => {
  test('a collation belongs to its character set', () => {
    expect(accepts(() => checkCharacterSet('utf8mb4', 'utf8mb4_general_ci', mysql))).toBe(true)
    expect(accepts(() => checkCharacterSet(undefined, 'latin1_swedish_ci', mysql))).toBe(true)
    expect(accepts(() => checkCharacterSet('utf8mb4', 'uca1400_ai_ci', context('mariadb')))).toBe(true)
    expect(() => checkCharacterSet('utf9', undefined, mysql)).toThrow("'utf9' not a valid character set.")
    expect(() => checkCharacterSet('utf8mb4', 'latin1_swedish_ci', mysql)).toThrow(
      "'latin1_swedish_ci' not a valid collation.",
    )
  })
  test('nothing with a quote in it is one', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom('mysql', 'mariadb', 'postgresql', 'redis'),
        (text, manager) => {
          const evil = `${text}'`
          expect(accepts(() => checkCharacterSet(evil, undefined, context(manager)))).toBe(false)
          expect(accepts(() => checkCharacterSet(undefined, evil, context(manager)))).toBe(false)
        },
      ),
    )
  })
})

describe('a user in a URL', () => {
  test.each([
    ['user1', 'user1', '%'],
    ['user1@10.0.0.1', 'user1', '10.0.0.1'],
    ['a@b@10.0.0.1', 'a@b', '10.0.0.1'],
    ['user1@%', 'user1', '%'],
    ['user1@', 'user1@', '%'],
    ['user%2ename%40%25', 'user.name', '%'],
    ['100%', '100%', '%'],
    ['%ff', '%ff', '%'],
  ])('%s is %s at %s', (segment, name, host) => {
    expect(userRef(segment, 'mysql')).toEqual({ name, host })
  })
  test('where users have no hosts, an at sign belongs to the name', () => {
    expect(userRef('a@b', 'postgresql')).toEqual({ name: 'a@b', host: '%' })
    expect(userRef('a@b@%', 'postgresql')).toEqual({ name: 'a@b', host: '%' })
  })
  test('every name that may be stored is found again by its URL, and it alone', () => {
    const managers = fc.constantFrom('mysql', 'mariadb', 'postgresql', 'redis')
    const text = fc.oneof(
      fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }),
      fc.stringMatching(/^[-a-z@%.0-9A-F '"]{1,20}$/),
    )
    fc.assert(
      fc.property(text, managers, (name, manager) => {
        fc.pre(accepts(() => checkUserName(name, context(manager))))
        // As clients write it: quoted once, the host after it; the URL's own decoding comes first.
        const segment = decodeURIComponent(`${encodeURIComponent(name)}@%25`)
        expect(userRef(segment, manager)).toEqual({ name, host: '%' })
      }),
      { numRuns: 1000 },
    )
  })
})
