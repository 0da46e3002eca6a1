/** What an engine takes as names. Length first, then the pattern: so no pattern ever sees a long text. */
export interface NameRules {
  readonly databaseMax: number
  readonly userMax: number
  readonly lengthUnit: 'characters' | 'bytes'
  readonly databasePattern: RegExp
  readonly userPattern: RegExp
  /** Users belong to hosts: `user@host`. */
  readonly hosts: boolean
  readonly isCharacterSet: (name: string) => boolean
  readonly isCollation: (name: string, characterSet: string | undefined) => boolean
}

/** Character sets of MySQL and MariaDB; every collation's name begins with one of them. */
const MYSQL_CHARACTER_SETS = new Set(
  `armscii8 ascii big5 binary cp1250 cp1251 cp1256 cp1257 cp850 cp852 cp866 cp932 dec8 eucjpms euckr gb18030 gb2312 gbk
  geostd8 greek hebrew hp8 keybcs2 koi8r koi8u latin1 latin2 latin5 latin7 macce macroman sjis swe7 tis620 ucs2 ujis utf16
  utf16le utf32 utf8 utf8mb3 utf8mb4`.split(/\s+/),
)

function isMysqlCollation(name: string, characterSet: string | undefined): boolean {
  if (!/^[A-Za-z0-9_]{1,64}$/.test(name)) return false
  const own = name.toLowerCase().split('_', 1)[0] ?? ''
  // MariaDB 10.10 has collations that go with every character set.
  if (own === 'uca1400') return true
  return MYSQL_CHARACTER_SETS.has(own) && (characterSet === undefined || own === characterSet.toLowerCase())
}

/**
 * Trove's rules (contract §1.6). The user name keeps out the same characters as in Kilo, and what the server's own tables
 * cannot hold: characters beyond the basic plane.
 */
const MYSQL: NameRules = {
  databaseMax: 64,
  userMax: 32,
  lengthUnit: 'characters',
  databasePattern: /^[A-Za-z0-9_-]+([ ?#@]*[A-Za-z0-9_-]+)?$/,
  userPattern: /^(?!\s)[^'";,`/\\\u{10000}-\u{10ffff}]+(?<!\s)$/u,
  hosts: true,
  isCharacterSet: (name) => MYSQL_CHARACTER_SETS.has(name.toLowerCase()),
  isCollation: isMysqlCollation,
}

/** Identifiers are quoted on the way, so nearly everything is a name; a slash is none, since URLs could not carry it. */
const POSTGRESQL: NameRules = {
  databaseMax: 63,
  userMax: 63,
  lengthUnit: 'bytes',
  databasePattern: /^(?!\s)[^/]+(?<!\s)$/u,
  // pg_… is the engine's own; …@% would be taken for a user of every host.
  userPattern: /^(?!\s)(?!pg_)[^/]+(?<!\s)(?<!@%)$/u,
  hosts: false,
  isCharacterSet: (name) => /^[A-Za-z0-9_-]{1,32}$/.test(name),
  isCollation: (name) => /^[A-Za-z0-9_.@-]{1,63}$/.test(name),
}

/** Users of access lists: words without blanks. */
const REDIS: NameRules = {
  ...POSTGRESQL,
  databaseMax: 64,
  userMax: 64,
  lengthUnit: 'characters',
  databasePattern: /^[A-Za-z0-9_-]+$/,
  userPattern: /^[^\s'";,`/\\]+$/u,
}

const RULES: Readonly<Record<string, NameRules>> = {
  mysql: MYSQL,
  percona: MYSQL,
  mariadb: { ...MYSQL, userMax: 80 },
  postgresql: POSTGRESQL,
  redis: REDIS,
}

/** The rules of a manager; one without rules of its own has MySQL's, as in Trove. */
export function nameRules(manager: string): NameRules {
  return Object.hasOwn(RULES, manager) ? (RULES[manager] ?? MYSQL) : MYSQL
}
