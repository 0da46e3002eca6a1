import { lineLog } from '../../lib/log.ts'
import { explain } from '../engine/explain.ts'
import { planOf } from '../engine/plan-of.ts'
import { hostArchitecture, prepareBuild } from '../engine/prepare.ts'
import { runPrepared } from '../engine/run-build.ts'
import { helpText, parseCommandLine } from '../request/options.ts'
import { type BuildRequest, makeRequest } from '../request/request.ts'
import { runMain } from './main.ts'
import { type Monitor, monitorFor, reportingFailure } from './monitor.ts'
import { outputFilter } from './output-filter.ts'
import { takePassphrase } from './sign-built.ts'
import { VERSION } from './version.ts'

/** `disk-image-create` and `ramdisk-image-create`: DIB's command line (DIB contract §3.1, §3.2). */
async function main([program = 'disk-image-create', ...args]: readonly string[]): Promise<number> {
  const line = parseCommandLine(program, args)
  if (line.early === 'help') {
    process.stdout.write(helpText(program))
    return 0
  }
  if (line.early === 'version') {
    process.stdout.write(`${VERSION}\n`)
    return 0
  }
  takePassphrase(process.env)
  const monitor = monitorFor(line.value('--monitor'))
  return reportingFailure(monitor, async () => {
    const request = makeRequest(program, args, line, process.env, await hostArchitecture())
    if (!line.flag('--explain')) return build(request, line.value('--logfile'), monitor)
    const silent = lineLog(() => undefined)
    process.stdout.write(await explain(await prepareBuild(request, silent), VERSION))
    return 0
  })
}

async function build(request: BuildRequest, logFile: string | undefined, monitor: Monitor): Promise<number> {
  const filter = outputFilter(logFile, process.env, !monitor.on)
  try {
    const prepared = await prepareBuild(request, lineLog(filter.line))
    for (const warning of planOf(prepared, VERSION).warnings) filter.line(`WARNING: ${warning}`)
    return await runPrepared(prepared, VERSION, {
      onLine: filter.line,
      onEvent: (event) => {
        monitor.report(event)
        // Whoever silenced the output still learns why the command failed.
        if (event.event === 'failed' && !monitor.on && filter.quiet)
          process.stderr.write(`${event.message}\n${event.hint === undefined ? '' : `hint: ${event.hint}\n`}`)
      },
    })
  } finally {
    filter.close()
  }
}

await runMain(main)
