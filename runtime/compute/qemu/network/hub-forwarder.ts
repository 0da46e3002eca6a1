import { quoteWord } from '../../../../lib/quote.ts'

/** Name of the program's file in the server's work directory, which is QEMU's current directory. */
export const FORWARDER_FILE = 'hub-forwarder'

/**
 * Leads one connection of a guest to the hub: its standard input and output are the guest's side. QEMU starts one for
 * each connection the guest makes to the hub's address, and it can lead nowhere else. Each side's end is passed on
 * alone, so a half-closed connection stays half open. Perl, because every Debian has it (perl-base), and its process
 * needs a tenth of the memory that node would.
 */
export const FORWARDER_PROGRAM = `use strict;
use Socket qw(PF_INET SOCK_STREAM IPPROTO_TCP TCP_NODELAY inet_aton pack_sockaddr_in);
my ($host, $port) = @ARGV;
$SIG{PIPE} = 'IGNORE';
socket(my $hub, PF_INET, SOCK_STREAM, 0) or exit 1;
connect($hub, pack_sockaddr_in($port, inet_aton($host))) or exit 1;
setsockopt($hub, IPPROTO_TCP, TCP_NODELAY, 1);
my @ways = ([*STDIN, $hub], [$hub, *STDOUT]);
while (@ways) {
  my $watched = '';
  vec($watched, fileno($_->[0]), 1) = 1 for @ways;
  select(my $ready = $watched, undef, undef, undef) > 0 or next;
  for my $way (@ways) {
    my ($from, $to) = @$way;
    next unless vec($ready, fileno($from), 1);
    my $got = sysread($from, my $data, 65536);
    if ($got) {
      my $at = 0;
      while ($at < $got) {
        my $put = syswrite($to, $data, $got - $at, $at);
        exit 0 unless defined $put;
        $at += $put;
      }
    } else {
      exit 0 unless defined $got;
      shutdown($to, 1);
      $way->[2] = 1;
    }
  }
  @ways = grep { !$_->[2] } @ways;
}
`

/**
 * The command for QEMU's `guestfwd=…-cmd:`. It is cut into words as a shell would, but no shell runs.
 *
 * @param perl the interpreter's path
 */
export function forwarderCommand(
  perl: string,
  hub: { readonly host: string; readonly port: number },
): string {
  return [quoteWord(perl), FORWARDER_FILE, quoteWord(hub.host), String(hub.port)].join(' ')
}
