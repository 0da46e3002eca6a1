import type { BuildOption } from './options.ts'

/** The options of build-image, after the book's `redstack build-image`. */
export const buildImageOptions: readonly BuildOption[] = [
  {
    names: ['--release', '-r'],
    argument: true,
    placeholder: 'suite',
    help: "release of the distribution (default: the datastore's own, see --list)",
  },
  {
    names: ['--distribution'],
    argument: true,
    placeholder: 'debian|ubuntu',
    help: 'base system (default debian)',
  },
  {
    names: ['--arch', '-a'],
    argument: true,
    placeholder: 'amd64|arm64',
    help: "architecture (default: this machine's)",
  },
  {
    names: ['-o', '--output'],
    argument: true,
    placeholder: 'name',
    help: 'output file, with or without suffix (default: the name of the datastore)',
  },
  {
    names: ['-t', '--type'],
    argument: true,
    placeholder: 'qcow2,raw,…',
    help: 'image types, comma separated (default qcow2)',
  },
  {
    names: ['--size'],
    argument: true,
    placeholder: 'GiB',
    help: 'virtual size of the image (default: what the content needs)',
  },
  { names: ['--element', '-e'], argument: true, placeholder: 'name', help: 'one more element (may repeat)' },
  {
    names: ['--package', '-p'],
    argument: true,
    placeholder: 'name[,name]',
    help: 'more packages (may repeat)',
  },
  {
    names: ['--boot-check'],
    argument: false,
    help: 'boot the finished image and wait until its database has answered a query',
  },
  {
    names: ['--firmware'],
    argument: true,
    placeholder: 'bios|uefi|both',
    help: 'firmware for --boot-check (default both)',
  },
  {
    names: ['--boot-timeout'],
    argument: true,
    placeholder: 'seconds',
    help: 'limit for one boot (default 300)',
  },
  {
    names: ['--register'],
    argument: false,
    help: 'register the image: datastore, version, parameters, default (see also --datastore-version)',
  },
  {
    names: ['--datastore-version'],
    argument: true,
    placeholder: 'name',
    help: "name of the registered version (default: the engine's series, as 9.7)",
  },
  { names: ['--checksum'], argument: false, help: 'write MD5 and SHA256 files beside the image' },
  {
    names: ['--compat'],
    argument: true,
    placeholder: 'version',
    help: 'qcow2 for old QEMU: 0.10 or 1.1 with zlib (default: 1.1 with zstd)',
  },
  {
    names: ['--image-cache'],
    argument: true,
    placeholder: 'directory',
    help: 'where downloads are kept (default ~/.cache/image-create)',
  },
  { names: ['--offline'], argument: false, help: 'use what the cache holds; do not go to the network' },
  { names: ['--no-cache'], argument: false, help: 'run every script, and keep no results' },
  {
    names: ['--resume'],
    argument: false,
    help: 'go on at the script that failed, even if the repositories have changed since',
  },
  { names: ['--no-tmpfs'], argument: false, help: 'build on disk, not in memory' },
  { names: ['--logfile'], argument: true, placeholder: 'file', help: 'log file (default: OUTPUT.log)' },
  {
    names: ['--monitor'],
    argument: true,
    placeholder: 'json',
    help: 'print progress as one JSON event a line',
  },
  { names: ['--explain'], argument: false, help: 'print the plan and build nothing' },
  { names: ['--list'], argument: false, help: 'list the datastores' },
  { names: ['-x'], argument: false, help: 'trace scripts into the log (twice for more)' },
  { names: ['-h', '--help'], argument: false, help: 'display this help and exit' },
  { names: ['--version'], argument: false, help: 'display the version and exit' },
]
