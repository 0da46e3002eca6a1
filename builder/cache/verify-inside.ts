import { verifySteps } from './verify.ts'

// `verifySteps` as a program: reads and deletes files whose owners are strangers outside a user namespace.
const [directory = ''] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await verifySteps(directory)))
