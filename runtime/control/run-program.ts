import { runMain } from '../../lib/cli-main.ts'
import { CofferError } from '../../lib/errors.ts'
import { programHelp } from './program-help.ts'
import { PROGRAMS, type ProgramName } from './services.ts'

/** `run-program.ts <program> [option]...`: what the launchers in runtime/bin start. */
async function main([program = '', ...args]: readonly string[]): Promise<number> {
  if (!isProgram(program)) throw new CofferError('PROGRAM_UNKNOWN', `There is no program ${program}`)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(programHelp(program))
    return 0
  }
  // Loaded only now, so that --help is quick.
  const { runProgram } = await import('./program.ts')
  return runProgram(program, args)
}

const isProgram = (name: string): name is ProgramName => Object.hasOwn(PROGRAMS, name)

await runMain(main)
// What is open now is only a timer or an idle socket.
process.exit()
