import { readFile, stat } from 'node:fs/promises'
import { run } from '../../../lib/exec.ts'
import { memoryMeter } from './memory.ts'
import type { BenchCommand } from './sides.ts'

/** What one build took. */
export interface Figures {
  /** Seconds. */
  readonly wall: number
  /** Seconds of processors, of all processes. */
  readonly cpu: number
  /** MiB of the largest process. */
  readonly processMiB: number
  /** MiB of all processes at one time, with their tmpfs; NaN where the kernel cannot tell. */
  readonly totalMiB: number
  readonly imageMiB: number
}

/** Runs a build by GNU time and in a memory control group. @throws CofferError `COMMAND_FAILED` */
export async function measure(directory: string, command: BenchCommand): Promise<Figures> {
  const times = `${directory}/times`
  const meter = await memoryMeter()
  let total: number | undefined
  try {
    await run(
      [
        ...(['/usr/bin/time', '-f', '%e %U %S %M', '-o', times] as const),
        ...['bash', '-c', `${meter.enter}; exec "$@"`, 'bench', ...command.argv],
      ],
      {
        cwd: directory,
        env: { PATH: process.env.PATH, HOME: directory, LC_ALL: 'C', TMP_DIR: '/tmp', ...command.env },
      },
    )
  } finally {
    total = await meter.stop()
  }
  const [wall = 0, user = 0, system = 0, kib = 0] = (await readFile(times, 'utf8'))
    .trim()
    .split(/\s+/)
    .slice(-4)
    .map(Number)
  return {
    wall,
    cpu: user + system,
    processMiB: kib / 1024,
    totalMiB: total === undefined ? Number.NaN : total / 1024 ** 2,
    imageMiB: (await stat(`${directory}/${command.image}`)).size / 1024 ** 2,
  }
}
