import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DatastoreManager } from '../../../runtime/guestagent/types.ts'
import type { GuestDatabase, GuestUser, PrepareArgs } from '../../../runtime/rpc/guest-methods.ts'

/** What the suite needs of an engine: real where one can be had. */
export interface ManagerStage {
  readonly manager: DatastoreManager
  /** Logs in over the network and runs a query in a database. Rejects when the engine refuses. */
  readonly login: (user: string, password: string, database?: string) => Promise<void>
  /** Logs in as `login` does and stays. @returns asks something each time; rejects once the engine has ended the session */
  readonly stayIn: (user: string, password: string) => Promise<() => Promise<void>>
  /** Everything that the engine wrote: its logs and its files. */
  readonly holds: (text: string) => Promise<boolean>
  /** The engine's process. */
  readonly pid: () => Promise<number>
  readonly close: () => Promise<void>
}

/** What an engine can do; the suite asks only for that. */
export interface ManagerTraits {
  readonly name: string
  readonly databases: boolean
  readonly users: boolean
  readonly hosts: boolean
  readonly rootName: string
  /** Characters that this engine stores in names. */
  readonly nameAlphabet: string
  /** Lines for the engine's configuration that make it log every statement. */
  readonly logEverything: string
}

const PREPARE: PrepareArgs = {
  memory_mb: 512,
  packages: [],
  databases: [],
  users: [],
  config_contents: '',
}

const names = (databases: readonly GuestDatabase[]) => databases.map(({ _name }) => _name)
const code = (wanted: string) => expect.objectContaining({ code: wanted })
/** Names and passwords that break what pastes them. */
const AWKWARD = [
  "o'brien",
  'say "hi"',
  'back`tick',
  'a\\b',
  '100%_sure',
  '-dash',
  'líné ünï',
  "'; --",
  'a\nb',
  '?',
  '$1',
]

/** The contract of a datastore's manager (runtime/guestagent/types.ts). */
export function managerContract(traits: ManagerTraits, open: () => Promise<ManagerStage>): void {
  describe(`the manager of ${traits.name}`, () => {
    let stage: ManagerStage
    const prepare = () =>
      stage.manager.prepare({ ...PREPARE, config_contents: traits.logEverything }, () => undefined)
    beforeAll(async () => {
      stage = await open()
      await prepare()
    })
    afterAll(async () => stage?.close())
    const users = () => {
      if (stage.manager.users === undefined) throw new Error('no users')
      return stage.manager.users
    }
    const databases = () => {
      if (stage.manager.databases === undefined) throw new Error('no databases')
      return stage.manager.databases
    }
    const user = (_name: string, rest: Partial<GuestUser> = {}): GuestUser => ({
      _name,
      _host: '%',
      _password: 'secret',
      ...rest,
    })

    test('a prepared engine runs, and preparing it again changes nothing', async () => {
      expect(await stage.manager.status()).toBe('running')
      await prepare()
      expect(await stage.manager.status()).toBe('running')
    })

    test('it has the roles that the engine has notions for', () => {
      expect(stage.manager.databases !== undefined).toBe(traits.databases)
      expect(stage.manager.users !== undefined).toBe(traits.users)
    })

    test('nobody gets in over the network before root is enabled or a user is made', async () => {
      for (const name of ['root', 'postgres', 'default', '']) {
        await expect(stage.login(name, '')).rejects.toThrow()
      }
    })

    test('root gets in with the password that enabling gives, and no longer after disabling', async () => {
      const { root } = stage.manager
      expect(await root?.isEnabled()).toBe(false)
      const given = await root?.enable()
      expect(given).toMatchObject({
        _name: traits.rootName,
        _password: expect.stringMatching(/^[A-Za-z0-9]{36}$/),
      })
      expect(await root?.isEnabled()).toBe(true)
      await stage.login(traits.rootName, given?._password ?? '')
      const again = await root?.enable('a chosen one')
      expect(again?._password).toBe('a chosen one')
      await stage.login(traits.rootName, 'a chosen one')
      await expect(stage.login(traits.rootName, given?._password ?? '')).rejects.toThrow()
      await root?.disable()
      await root?.disable()
      expect(await root?.isEnabled()).toBe(false)
      await expect(stage.login(traits.rootName, 'a chosen one')).rejects.toThrow()
    })

    test('root stays enabled, or disabled, over a restart', async () => {
      const { root } = stage.manager
      await root?.enable('over a restart')
      await stage.manager.restart()
      expect(await root?.isEnabled()).toBe(true)
      await stage.login(traits.rootName, 'over a restart')
      await root?.disable()
      await stage.manager.restart()
      await expect(stage.login(traits.rootName, 'over a restart')).rejects.toThrow()
    })

    test('who is in as root is thrown out when root is disabled', async () => {
      const { root } = stage.manager
      await root?.enable('while it lasts')
      const ask = await stage.stayIn(traits.rootName, 'while it lasts')
      await ask()
      await root?.disable()
      await expect(ask()).rejects.toThrow()
    })

    test('no password is written anywhere, even by an engine that logs every statement', async () => {
      const secret = 'Never-To-Be-Seen-7331'
      await stage.manager.root?.enable(secret)
      if (traits.users) {
        await users().create([user('keeper', { _password: secret })])
        await users().changePasswords([user('keeper', { _password: secret })])
        await users().updateAttributes('keeper', '%', { password: secret })
        await users().delete(user('keeper'))
      }
      await stage.manager.root?.disable()
      expect(await stage.holds(secret)).toBe(false)
    })

    test('an engine that hangs is noticed within ten seconds, and is sound again when it goes on', {
      timeout: 30_000,
    }, async () => {
      const pid = await stage.pid()
      process.kill(pid, 'SIGSTOP')
      try {
        const started = performance.now()
        expect(await stage.manager.status()).toBe('blocked')
        expect(performance.now() - started).toBeLessThan(10_000)
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      expect(await stage.manager.status()).toBe('running')
    })

    test('an engine that was killed has crashed, and a restart mends it', async () => {
      process.kill(await stage.pid(), 'SIGKILL')
      await expect.poll(() => stage.manager.status()).toBe('crashed')
      await stage.manager.restart()
      expect(await stage.manager.status()).toBe('running')
    })

    test('a stopped engine is shut down, and starts again', async () => {
      await stage.manager.stop({ doNotStartOnReboot: false })
      expect(await stage.manager.status()).toBe('shutdown')
      await stage.manager.start()
      expect(await stage.manager.status()).toBe('running')
    })

    describe.runIf(traits.databases)('databases', () => {
      test('are created, listed page by page in the order of their names, and deleted', async () => {
        const made = ['alpha', 'Beta', 'gamma_1', 'gammaX1', 'zeta-9']
        await databases().create(made.map((_name) => ({ _name })))
        const [all, end] = await databases().list({ limit: 100 })
        expect(names(all)).toEqual([...made].sort())
        expect(end).toBe(null)
        const seen: string[] = []
        for (let marker: string | null | undefined; marker !== null; ) {
          const [page, next] = await databases().list({
            limit: 2,
            ...(marker === undefined ? {} : { marker }),
          })
          seen.push(...names(page))
          marker = next
        }
        expect(seen).toEqual([...made].sort())
        const [from] = await databases().list({ limit: 1, marker: 'alpha', includeMarker: true })
        expect(names(from)).toEqual(['alpha'])
        for (const _name of made) await databases().delete({ _name })
        expect((await databases().list({ limit: 100 }))[0]).toEqual([])
      })

      test('of the engine itself are neither listed, nor made, nor deleted', async () => {
        for (const _name of ['mysql', 'postgres', 'template1', 'information_schema']) {
          const [listed] = await databases().list({ limit: 100 })
          expect(names(listed)).not.toContain(_name)
        }
        const own = traits.name === 'postgresql' ? 'postgres' : 'mysql'
        await expect(databases().create([{ _name: own }])).rejects.toThrow(code('BAD_REQUEST'))
        await expect(databases().delete({ _name: own })).rejects.toThrow(code('DATABASE_NOT_FOUND'))
      })

      test('that exist are not made again, and those that do not are not deleted', async () => {
        await databases().create([{ _name: 'once' }])
        await expect(databases().create([{ _name: 'fresh' }, { _name: 'once' }])).rejects.toThrow(
          code('DATABASE_ALREADY_EXISTS'),
        )
        expect(names((await databases().list({ limit: 9 }))[0])).toEqual(['once'])
        await databases().delete({ _name: 'once' })
        await expect(databases().delete({ _name: 'once' })).rejects.toThrow(code('DATABASE_NOT_FOUND'))
      })

      test('with an unknown character set are refused with a reason', async () => {
        await expect(databases().create([{ _name: 'odd', _character_set: 'klingon' }])).rejects.toThrow(
          code('BAD_REQUEST'),
        )
        expect((await databases().list({ limit: 9 }))[0]).toEqual([])
      })
    })

    describe.runIf(traits.users)('users', () => {
      test('log in with their password and use their databases, and no others', async () => {
        await databases().create([{ _name: 'own_db' }, { _name: 'ownXdb' }])
        await users().create([user('fred', { _databases: [{ _name: 'own_db' }] })])
        await stage.login('fred', 'secret', 'own_db')
        await expect(stage.login('fred', 'wrong', 'own_db')).rejects.toThrow()
        // An underscore is no wildcard.
        await expect(stage.login('fred', 'secret', 'ownXdb')).rejects.toThrow()
        expect(await users().access?.list('fred', '%')).toEqual([{ _name: 'own_db' }])
        await users().access?.grant('fred', '%', ['ownXdb'])
        await users().access?.grant('fred', '%', ['ownXdb'])
        await stage.login('fred', 'secret', 'ownXdb')
        expect(await users().get('fred', '%')).toEqual({
          _name: 'fred',
          _host: '%',
          _databases: [{ _name: 'ownXdb' }, { _name: 'own_db' }],
        })
        await users().access?.revoke('fred', '%', 'own_db')
        await expect(stage.login('fred', 'secret', 'own_db')).rejects.toThrow()
        await expect(users().access?.revoke('fred', '%', 'own_db')).rejects.toThrow(
          code('DATABASE_NOT_FOUND'),
        )
        await expect(users().access?.grant('fred', '%', ['nowhere'])).rejects.toThrow(
          code('DATABASE_NOT_FOUND'),
        )
        await users().delete(user('fred'))
        await expect(stage.login('fred', 'secret', 'ownXdb')).rejects.toThrow()
        for (const _name of ['own_db', 'ownXdb']) await databases().delete({ _name })
      })

      test('change their password, name and attributes', async () => {
        await users().create([user('anne'), user('bert')])
        await users().changePasswords([user('anne', { _password: 'new one' })])
        await stage.login('anne', 'new one')
        await users().updateAttributes('anne', '%', { name: 'anna', password: 'third' })
        await stage.login('anna', 'third')
        await expect(stage.login('anne', 'new one')).rejects.toThrow()
        await expect(users().updateAttributes('anna', '%', { name: 'bert' })).rejects.toThrow(
          code('USER_ALREADY_EXISTS'),
        )
        for (const name of ['anna', 'bert']) await users().delete(user(name))
      })

      test.runIf(traits.hosts)('of the same name on two hosts are two users', async () => {
        await users().create([user('twin'), user('twin', { _host: '10.1.%.%' })])
        await users().delete(user('twin'))
        expect(await users().get('twin', '%')).toBe(null)
        expect(await users().get('twin', '10.1.%.%')).toMatchObject({ _host: '10.1.%.%' })
        await users().updateAttributes('twin', '10.1.%.%', { host: '10.2.0.1' })
        await users().delete(user('twin', { _host: '10.2.0.1' }))
      })

      test('are listed page by page, the engine and the agent left out', async () => {
        const made = ['u1', 'u2', 'u3', 'u4', 'u5']
        await users().create(made.map((name) => user(name)))
        const seen: string[] = []
        for (let marker: string | null | undefined; marker !== null; ) {
          const [page, next] = await users().list({ limit: 2, ...(marker === undefined ? {} : { marker }) })
          seen.push(...page.map(({ _name }) => _name))
          marker = next
        }
        expect(seen).toEqual(made)
        for (const name of made) await users().delete(user(name))
      })

      test('that exist are not made again; those that do not are not found', async () => {
        await users().create([user('carl')])
        await expect(users().create([user('dora'), user('carl')])).rejects.toThrow(
          code('USER_ALREADY_EXISTS'),
        )
        expect(await users().get('dora', '%')).toBe(null)
        await users().delete(user('carl'))
        await expect(users().delete(user('carl'))).rejects.toThrow(code('USER_NOT_FOUND'))
        await expect(users().changePasswords([user('carl')])).rejects.toThrow(code('USER_NOT_FOUND'))
        await expect(users().access?.list('carl', '%')).rejects.toThrow(code('USER_NOT_FOUND'))
      })

      test('of the engine and the agent cannot be touched', async () => {
        const own = traits.rootName
        await expect(users().create([user(own)])).rejects.toThrow(code('BAD_REQUEST'))
        await expect(users().delete(user(own))).rejects.toThrow(code('USER_NOT_FOUND'))
        expect(await users().get(own, '%')).toBe(null)
      })

      test('whose grants fail are not left half made', async () => {
        await expect(users().create([user('half', { _databases: [{ _name: 'nowhere' }] })])).rejects.toThrow(
          code('DATABASE_NOT_FOUND'),
        )
        expect(await users().get('half', '%')).toBe(null)
      })

      test.each(AWKWARD)(
        'named %j, with such a password and database, are stored to the letter',
        async (text) => {
          const name = text.slice(0, 16)
          await databases().create([{ _name: text }])
          await users().create([user(name, { _password: text, _databases: [{ _name: text }] })])
          expect(await users().get(name, '%')).toEqual({
            _name: name,
            _host: '%',
            _databases: [{ _name: text }],
          })
          expect(names((await databases().list({ limit: 9 }))[0])).toEqual([text])
          await stage.login(name, text, text)
          await users().access?.revoke(name, '%', text)
          await users().delete(user(name))
          await databases().delete({ _name: text })
        },
      )

      test('and databases of any name come back as they went in', async () => {
        const word = (maxLength: number) =>
          fc
            .array(fc.constantFrom(...traits.nameAlphabet), { minLength: 1, maxLength })
            .map((characters) => characters.join(''))
            // Engines cut blanks off at the end, and the API refuses them.
            .filter((text) => text.trim() === text && text !== '')
        const property = fc.asyncProperty(word(12), word(12), word(20), async (name, database, password) => {
          await databases().create([{ _name: database }])
          await users().create([user(name, { _password: password, _databases: [{ _name: database }] })])
          const found = await users().get(name, '%')
          await stage.login(name, password, database)
          await users().delete(user(name))
          await databases().delete({ _name: database })
          expect(found).toEqual({ _name: name, _host: '%', _databases: [{ _name: database }] })
        })
        await fc.assert(property, { numRuns: 40 })
      })
    })
  })
}
