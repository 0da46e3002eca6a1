import { getopt, type OptionSpec } from '../../lib/getopt.ts'

/**
 * One option of disk-image-create. The table feeds the parser, the help text and the generated reference.
 */
export interface BuildOption extends OptionSpec {
  /** Placeholder of the argument in help. */
  readonly placeholder?: string
  readonly help: string
  /** Not part of DIB: an addition of ours. */
  readonly ours?: boolean
  /** Says only how this run goes and where its output lands: the image does not record it. */
  readonly local?: boolean
  /** Left out of `ramdisk-image-create --help` (DIB contract §3.2). */
  readonly diskOnly?: boolean
}

/** DIB contract §3.1. `--image-extra-size` and `--mkfs-journal-size` work here; DIB's parser forgot them. */
export const buildOptions: readonly BuildOption[] = [
  {
    names: ['-a'],
    argument: true,
    placeholder: 'i386|amd64|armhf|arm64',
    help: "architecture of the image (default: this machine's)",
  },
  {
    names: ['-o'],
    local: true,
    argument: true,
    placeholder: 'imagename',
    help: 'name of the output image file (default image)',
  },
  {
    names: ['-t'],
    local: true,
    argument: true,
    placeholder: 'qcow2,tar,tgz,squashfs,vhd,vhdx,vmdk,vdi,docker,aci,raw',
    help: 'image types, comma separated (default qcow2)',
  },
  { names: ['-x'], local: true, argument: false, help: 'turn on tracing (twice for more)' },
  { names: ['-u'], local: true, argument: false, help: 'do not compress the image: larger but faster' },
  { names: ['-c'], argument: false, help: 'clear the environment before starting work' },
  {
    names: ['--logfile'],
    local: true,
    argument: true,
    placeholder: 'file',
    help: 'append all output to a file (implies DIB_QUIET=1)',
  },
  { names: ['--checksum'], local: true, argument: false, help: 'write MD5 and SHA256 files for the image' },
  {
    names: ['--image-size'],
    argument: true,
    placeholder: 'size',
    help: 'size of the image in GiB (default: what the content needs)',
  },
  {
    names: ['--image-extra-size'],
    argument: true,
    placeholder: 'size',
    help: 'space beyond the content in MiB, instead of the default share',
  },
  {
    names: ['--image-cache'],
    local: true,
    argument: true,
    placeholder: 'directory',
    help: 'where downloads are kept (default ~/.cache/image-create)',
  },
  {
    names: ['--max-online-resize'],
    argument: true,
    placeholder: 'size',
    help: 'file-system blocks to prepare for when resizing',
  },
  {
    names: ['--min-tmpfs'],
    local: true,
    argument: true,
    placeholder: 'size',
    help: 'GiB of memory a tmpfs build needs (default 2)',
  },
  {
    names: ['--mkfs-journal-size'],
    argument: true,
    placeholder: 'size',
    help: 'journal of the root file system in MiB (default 64)',
  },
  {
    names: ['--mkfs-options'],
    argument: true,
    placeholder: 'options',
    help: 'options passed to mkfs, as a single string',
  },
  { names: ['--no-tmpfs'], local: true, argument: false, help: 'build on disk, not in memory' },
  {
    names: ['--offline'],
    local: true,
    argument: false,
    help: 'use what the cache holds; do not go to the network',
  },
  {
    names: ['--qemu-img-options'],
    local: true,
    argument: true,
    placeholder: 'key=value,...',
    help: 'options passed to qemu-img',
  },
  {
    names: ['--root-label'],
    argument: true,
    placeholder: 'label',
    help: 'label of the root file system (default cloudimg-rootfs)',
  },
  {
    names: ['--ramdisk-element'],
    argument: true,
    placeholder: 'element',
    help: 'main element of a ramdisk (default ramdisk)',
  },
  {
    names: ['--install-type'],
    argument: true,
    placeholder: 'type',
    help: 'default installation type: source or package (default source)',
  },
  {
    names: ['--docker-target'],
    local: true,
    argument: true,
    placeholder: 'name',
    help: 'repository and tag for output type docker',
  },
  {
    names: ['-n'],
    argument: false,
    diskOnly: true,
    help: "skip the default inclusion of the 'base' element",
  },
  {
    names: ['-p'],
    argument: true,
    placeholder: 'package[,package]',
    diskOnly: true,
    help: 'packages to install in the image (may repeat)',
  },
  {
    names: ['--cache'],
    local: true,
    argument: false,
    ours: true,
    help: 'take results of scripts that have not changed from the step cache',
  },
  {
    names: ['--no-cache'],
    local: true,
    argument: false,
    ours: true,
    help: 'run every script, and keep no results (default)',
  },
  {
    names: ['--record'],
    local: true,
    argument: false,
    ours: true,
    help: 'write a record of the build beside the image: manifest, SBOMs, provenance (in NAME.d)',
  },
  {
    names: ['--resume'],
    local: true,
    argument: false,
    ours: true,
    help: 'go on at the script that failed in the last build (implies --cache)',
  },
  {
    names: ['--lock'],
    local: true,
    argument: true,
    placeholder: 'file',
    ours: true,
    help: 'write a lock: every package, source and download of this build by digest',
  },
  {
    names: ['--locked'],
    local: true,
    argument: true,
    placeholder: 'file',
    ours: true,
    help: 'build from a lock, and from nothing that it does not name',
  },
  {
    names: ['--explain'],
    local: true,
    argument: false,
    ours: true,
    help: 'print the plan (elements, scripts, environment, disk) and build nothing',
  },
  {
    names: ['--monitor'],
    local: true,
    argument: true,
    placeholder: 'json',
    ours: true,
    help: 'print progress as one JSON event a line on standard output',
  },
  { names: ['-h', '--help'], argument: false, help: 'display this help and exit' },
  { names: ['--version'], argument: false, help: 'display the version and exit' },
]

/** What the command line said, still as text. */
export interface CommandLine {
  readonly elements: readonly string[]
  readonly flag: (name: string) => boolean
  readonly count: (name: string) => number
  /** The last value given, or undefined. */
  readonly value: (name: string) => string | undefined
  readonly values: (name: string) => readonly string[]
  /** `-h` or `--version`, whichever came first: both act as soon as they are read. */
  readonly early: 'help' | 'version' | undefined
}

/** Parses the arguments of disk-image-create. @throws CofferError `OPTION_INVALID` */
export function parseCommandLine(program: string, args: readonly string[]): CommandLine {
  const { options, words } = getopt(program, args, buildOptions)
  const values = (name: string) =>
    options.filter((option) => option.name === name).map((option) => option.value)
  const first = options.find((option) => option.name === '-h' || option.name === '--version')
  return {
    elements: words,
    flag: (name) => options.some((option) => option.name === name),
    count: (name) => values(name).length,
    value: (name) => values(name).at(-1),
    values,
    early: first === undefined ? undefined : first.name === '-h' ? 'help' : 'version',
  }
}

/** The option part of a help text: usage on the left, meaning on the right. */
export function optionRows(options: readonly BuildOption[]): string {
  return options
    .map((option) => {
      const usage = `${option.names.join('|')}${option.placeholder === undefined ? '' : ` ${option.placeholder}`}`
      return usage.length > 26
        ? `    ${usage}\n${' '.repeat(32)}${option.help}`
        : `    ${usage.padEnd(28)}${option.help}`
    })
    .join('\n')
}

/** The text of `--help`. */
export function helpText(program: string): string {
  const ramdisk = program === 'ramdisk-image-create'
  return `Usage: ${program} [OPTION]... [ELEMENT]...

Options:
${optionRows(buildOptions.filter((option) => !(ramdisk && option.diskOnly === true)))}

ELEMENTS_PATH names directories of elements, colon separated; the first wins, the built-in ones come last.
NOTE: At least one distribution root element must be specified.

Examples:
    ${program} -a amd64 -o debian-amd64 vm debian
    export ELEMENTS_PATH=~/elements
    ${program} -a amd64 -o debian-amd64-app vm debian my-app
`
}
