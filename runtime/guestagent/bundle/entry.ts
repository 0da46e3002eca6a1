import { runAgent } from '../main.ts'

const version = process.env.COFFER_AGENT_VERSION ?? '0'

// Where tools/bundle-agent.ts starts from. It puts the version in.
if (process.argv[2] === '--rehearse') void import('./rehearse.ts').then(({ rehearse }) => rehearse(version))
else void runAgent(version, process.argv[2])
