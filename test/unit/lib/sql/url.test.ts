import { describe, expect, test } from 'vitest'
import { parseSqlUrl, withoutPassword } from '../../../../lib/sql/url.ts'

describe('SQLite', () => {
  test.each([
    ['sqlite:///var/lib/coffer/trove.sqlite', '/var/lib/coffer/trove.sqlite'],
    ['sqlite:////var/lib/coffer/trove.sqlite', '/var/lib/coffer/trove.sqlite'],
    ['sqlite:///with space/100%.sqlite', '/with space/100%.sqlite'],
    ['sqlite://', ':memory:'],
    ['sqlite:///:memory:', ':memory:'],
  ])('%s is %s', (url, path) => {
    expect(parseSqlUrl(url)).toEqual({ engine: 'sqlite', path })
  })
})

describe('MySQL and MariaDB', () => {
  const server = { engine: 'mysql', host: 'db', port: 3306, user: 'trove', password: 'pw', database: 'trove' }
  const plain = { ...server, socket: undefined, authority: undefined }

  test.each([
    ['mysql://trove:pw@db/trove', plain],
    ['mysql+pymysql://trove:pw@db:3307/trove?charset=utf8', { ...plain, port: 3307 }],
    ['mariadb://trove:pw@[fd00::1]:3306/trove', { ...plain, host: 'fd00::1' }],
    ['mysql://trove@db/trove', { ...plain, password: '' }],
    ['mysql://trove:p%40%25s@db/trove', { ...plain, password: 'p@%s' }],
    ['mysql://trove:p@ss:w/rd%@db/trove', { ...plain, password: 'p@ss:w/rd%' }],
    [
      'mysql://trove:pw@/trove?unix_socket=/run/db.sock',
      { ...plain, host: 'localhost', socket: '/run/db.sock' },
    ],
    ['mysql://trove:pw@db/trove?ssl_ca=/etc/ca.pem', { ...plain, authority: '/etc/ca.pem' }],
  ])('%s is understood', (url, target) => {
    expect(parseSqlUrl(url)).toEqual(target)
  })
})

test.each(['', 'postgres://a:secret@b/c', 'mysql://trove:secret@db', 'sqlite:relative', '/var/x.sqlite'])(
  '%j is refused without showing a password',
  (url) => {
    let message = ''
    try {
      parseSqlUrl(url)
    } catch (error) {
      message = (error as Error).message
      expect(error).toMatchObject({ code: 'DATABASE_URL_INVALID' })
    }
    expect(message).toContain('is no URL of a database')
    expect(message).not.toContain('secret')
  },
)

test('a URL is shown without its password, whatever that holds', () => {
  expect(withoutPassword('mysql+pymysql://u:p:w@x@host/db')).toBe('mysql+pymysql://u:***@host/db')
  expect(withoutPassword('sqlite:///x')).toBe('sqlite:///x')
})
