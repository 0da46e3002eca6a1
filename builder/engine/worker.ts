import { readFileSync, writeSync } from 'node:fs'
import { cleanupStack } from '../../lib/cleanup.ts'
import { systemClock } from '../../lib/clock.ts'
import { CofferError, describeError } from '../../lib/errors.ts'
import { lineLog } from '../../lib/log.ts'
import { mount } from '../../lib/mount.ts'
import { baseEnvironment } from './base-environment.ts'
import type { Build, BuildJob } from './build.ts'
import type { Emit } from './events.ts'
import { failedEvent } from './failed-event.ts'
import { explainFullDisk } from './full-disk.ts'
import { makeOwnDevices } from './own-devices.ts'
import { ScriptFailure } from './run-phase.ts'
import { runBuild } from './sequence.ts'

/** Descriptor on which the worker reports events to the outer process. */
const EVENTS = 3

/** Descriptor from which it reads its job, to the end. */
const JOB = 5

/** The process inside the namespaces: waits for its job, runs the build, exits with the build's status. */
async function main(): Promise<number> {
  const job = JSON.parse(readFileSync(JOB, 'utf8')) as BuildJob
  const emit: Emit = (event) =>
    writeSync(EVENTS, `${JSON.stringify({ ...event, time: systemClock.now().getTime() })}\n`)
  const print = (line: string) => process.stdout.write(`${line}\n`)
  const cleanup = cleanupStack()
  // Permissions of files that scripts make, and the dates that tools write, are no matter of who started the build.
  const callerUmask = process.umask(0o022)
  process.env.TZ = 'UTC'
  const build: Build = {
    job,
    env: { ...baseEnvironment(job), COFFER_UMASK: callerUmask.toString(8).padStart(4, '0') },
    log: lineLog(print),
    print,
    emit,
    sourceDate: job.sourceDate,
    unreproducible: [],
    callerUmask,
    cleanup,
  }
  const started = performance.now()
  let status = 0
  try {
    if (job.tmpfs) await mountMemory(job)
    if (job.rootless) await makeOwnDevices(job)
    await runBuild(build)
    emit({ event: 'finished', seconds: (performance.now() - started) / 1000 })
  } catch (failure) {
    const error = await explainFullDisk(failure, job)
    status = error instanceof CofferError ? error.exitCode : 1
    print(describeError(error))
    emit({ ...failedEvent(error), ...(failure instanceof ScriptFailure ? failure.where : {}) })
  }
  await cleanup.release().catch((error: Error) => print(`WARNING: ${error.message}`))
  return status
}

/** Both build directories in memory: fast, and gone with the namespace whatever happens. */
async function mountMemory(job: BuildJob): Promise<void> {
  for (const target of [job.directories.build, job.directories.image]) {
    await mount({ source: 'tmpfs', target, type: 'tmpfs', options: ['mode=711', 'size=90%'] })
  }
}

process.exitCode = await main()
// The worker is the init process of its namespace: leaving ends whatever a script left running.
process.exit()
