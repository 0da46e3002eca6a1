export { runMain } from '../../lib/cli-main.ts'
