/** Where a PostgreSQL server's files are. */
export interface PostgresqlPlaces {
  /** The home of all clusters: what a volume is mounted at. */
  readonly home: string
  readonly dataPath: string
  /** `/etc/postgresql/15/main` */
  readonly configDirectory: string
  readonly socketDirectory: string
  readonly port: number
}

/** The places of element postgresql's cluster, found by the name of its unit. Pure. */
export function placesOf(unit: string): PostgresqlPlaces {
  const version = /^postgresql@([0-9.]+)-main\.service$/.exec(unit)?.[1] ?? '15'
  return {
    home: '/var/lib/postgresql',
    dataPath: `/var/lib/postgresql/${version}/main`,
    configDirectory: `/etc/postgresql/${version}/main`,
    socketDirectory: '/run/postgresql',
    port: 5432,
  }
}

/** What the image says until there is an agent. */
export const IMAGE_CONFIG = 'zz-image.conf'

/**
 * The files of the server, by path below its configuration directory. Later names win: the control plane's configuration
 * lies over the defaults, what the guest depends on over both.
 */
export function serverFiles(
  places: PostgresqlPlaces,
  texts: { readonly main: string; readonly overrides: string },
): readonly { readonly path: string; readonly content: string }[] {
  const at = (name: string) => `${places.configDirectory}/${name}`
  return [
    { path: at('conf.d/zz-coffer-10-main.conf'), content: `${texts.main}\n` },
    { path: at('conf.d/zz-coffer-50-overrides.conf'), content: `${texts.overrides}\n` },
    {
      path: at('conf.d/zz-coffer-90-fixed.conf'),
      content: [
        "# Written by Coffer's guest agent: what the guest itself depends on.",
        `data_directory = '${places.dataPath}'`,
        `hba_file = '${at('pg_hba.conf')}'`,
        `ident_file = '${at('pg_ident.conf')}'`,
        `unix_socket_directories = '${places.socketDirectory}'`,
        `port = ${places.port}`,
        "listen_addresses = '*'",
        'password_encryption = scram-sha-256',
        'ssl = on',
        `ssl_cert_file = '${at('coffer-tls/server-cert.pem')}'`,
        `ssl_key_file = '${at('coffer-tls/server-key.pem')}'`,
        '',
      ].join('\n'),
    },
    { path: at('pg_ident.conf'), content: 'coffer root postgres\ncoffer postgres postgres\n' },
    {
      path: at('pg_hba.conf'),
      content: [
        "# Written by Coffer's guest agent. The superuser comes in over the local socket as root or postgres of the",
        '# system, everybody else with a password. A role without a password gets in nowhere.',
        'local all postgres peer map=coffer',
        'local all all scram-sha-256',
        'host all all 0.0.0.0/0 scram-sha-256',
        'host all all ::/0 scram-sha-256',
        '',
      ].join('\n'),
    },
  ]
}
