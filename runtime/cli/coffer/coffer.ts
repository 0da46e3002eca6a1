import { CommanderError } from 'commander'
import { runMain } from '../../../lib/cli-main.ts'
import { cofferCommand } from './command.ts'

/** Wrong words on the command line, as getopt(1) has it. */
const USAGE_STATUS = 2

await runMain(async (args) => {
  let status = 0
  const command = cofferCommand((result) => {
    status = result
  })
  try {
    await command.parseAsync([...args], { from: 'user' })
    return status
  } catch (error) {
    // It has said what was wrong, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_STATUS
    throw error
  }
})
// A pipe may not have taken all of it yet.
await new Promise((resolve) => process.stdout.write('', resolve))
// What is open now is only a timer or an idle socket.
process.exit()
