import { runAgent } from '../main.ts'

// Where tools/bundle-agent.ts starts from. It puts the version in.
void runAgent(process.env.COFFER_AGENT_VERSION ?? '0', process.argv[2])
