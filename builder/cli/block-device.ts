import { Command, CommanderError } from 'commander'
import { CofferError, describeError } from '../../lib/errors.ts'
import { lineLog } from '../../lib/log.ts'
import { type BlockDeviceCommands, blockDeviceCommands } from '../blockdevice/commands.ts'
import { readParamsFile } from '../blockdevice/params-file.ts'

/** Status of a wrong command line, as Python's argparse ends. */
const USAGE_STATUS = 2

type Action = (commands: BlockDeviceCommands, symbol: string) => Promise<void>

const log = lineLog((line) => process.stderr.write(`${line}\n`), {
  debug: Number(process.env.DIB_DEBUG_TRACE ?? 0) > 0,
})

const actions: readonly (readonly [string, string, Action])[] = [
  ['init', 'check the configuration and write it flattened', (commands) => commands.init()],
  [
    'getval <symbol>',
    'print root-label, root-fstype, boot-label, mount-points, image-path, image-block-device(s)',
    printValue,
  ],
  ['create', 'make the image and its file systems and mount them', (commands) => commands.create()],
  ['umount', 'unmount the file systems and detach the devices', (commands) => commands.umount()],
  ['cleanup', 'forget the state; the image stays', (commands) => commands.cleanup()],
  ['delete', 'undo create, the image too', (commands) => commands.delete()],
  ['writefstab', 'write etc/fstab into the built tree', (commands) => commands.writefstab()],
]

async function printValue(commands: BlockDeviceCommands, symbol: string): Promise<void> {
  const value = await commands.getval(symbol)
  // Status 0, as DIB: scripts that ask for newer symbols rely on it.
  if (value === undefined) log.error(`Invalid symbol [${symbol}] for getval`)
  else process.stdout.write(`${value}\n`)
}

function program(): Command {
  const command = new Command('dib-block-device')
    .description('Handles the disk of an image build, step by step.')
    .option('--params <file>', 'parameters of the build (default: DIB_BLOCK_DEVICE_PARAMS_YAML)')
    .exitOverride()
  for (const [usage, description, action] of actions) {
    command
      .command(usage)
      .description(description)
      .exitOverride()
      .action(async (symbol: unknown) => {
        const path = command.opts<{ params?: string }>().params || process.env.DIB_BLOCK_DEVICE_PARAMS_YAML
        if (!path) return command.error('error: DIB_BLOCK_DEVICE_PARAMS_YAML or --params not set')
        const params = await readParamsFile(path, process.env)
        await action(blockDeviceCommands(params, log), typeof symbol === 'string' ? symbol : '')
      })
  }
  return command
}

try {
  await program().parseAsync(process.argv)
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE_STATUS
  } else {
    process.stderr.write(`${describeError(error)}\n`)
    process.exitCode = error instanceof CofferError ? error.exitCode : 1
  }
}
